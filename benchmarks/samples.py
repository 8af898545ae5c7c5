"""Times of repeated runs, taken in turns so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median

Run = Callable[[int], object]
"""Something to time; it is told which repetition it is."""


@dataclass(frozen=True)
class Samples:
    """Seconds of each repetition."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The shortest and the longest."""
        return min(self.seconds), max(self.seconds)


@dataclass(frozen=True)
class Ratio:
    """A quotient of medians, with the range of quotients of runs that stood side by side."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g}–{self.high:.3g})"


def ratio(above: Samples, below: Samples) -> Ratio:
    """How many times longer `above` takes than `below`, which ran in turns with it."""
    pairs = [a / b for a, b in zip(above.seconds, below.seconds, strict=True)]
    return Ratio(above.median / below.median, min(pairs), max(pairs))


def clock(run: Callable[[], object]) -> float:
    """Seconds that a run takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turns(
    runs: Mapping[str, Run],
    repetitions: int,
    warmups: int = 1,
    turn: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, Samples]:
    """Times by name of runs that take turns: each once, then each once more; warm-ups are not counted.

    Each turn runs within a `turn`.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(-warmups, repetitions):
        with turn():
            spent = {name: clock(partial(run, i)) for name, run in runs.items()}
        for name, each in seconds.items():
            each.extend([spent[name]] if i >= 0 else [])
    return {name: Samples(tuple(each)) for name, each in seconds.items()}


def say(line: str) -> None:
    """Tell whoever waits how far we are."""
    print(f"bench: {line}", file=sys.stderr, flush=True)
