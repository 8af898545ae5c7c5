"""Seconds by what they were spent on, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.machine import Machine

ELSEWHERE = ("merging", "generation", "sandbox", "math-verify", "Optuna")
"""What the limit on our own work leaves out, beside the swap and its canary."""
SWAP_AND_CANARY = ("swap", "cache reset", "canary")
MOST_SWAP, MOST_OURS = 1.0, 0.1


@dataclass
class Clock:
    """Seconds by name; of nested calls the inner one's count for the inner name alone."""

    seconds: dict[str, float] = field(default_factory=dict)
    _inner: list[float] = field(default_factory=lambda: [0.0])

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed under a name."""

        def call(*arguments: Any, **options: Any) -> Any:
            self._inner.append(0.0)
            began = perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent = perf_counter() - began
                self.add(name, spent - self._inner.pop())
                self._inner[-1] += spent

        return call

    def add(self, name: str, seconds: float) -> None:
        """Count seconds under a name."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def take(self) -> dict[str, float]:
        """What was counted since it was last taken."""
        taken, self.seconds = self.seconds, {}
        return taken


@dataclass(frozen=True)
class TrialTimes:
    """Seconds of each trial by what they were spent on; `rest` is what nothing else claims."""

    machine: Machine
    engine: str
    items: int
    trials: tuple[Mapping[str, float], ...]
    load: float
    """How many processes wanted a core on average in the last minute, ours among them."""

    @property
    def medians(self) -> dict[str, float]:
        """Medians over the trials; `whole` is the whole trial's."""
        names = {name: None for trial in self.trials for name in trial}
        return {name: median(trial.get(name, 0.0) for trial in self.trials) for name in names}

    @property
    def swap(self) -> float:
        """Median seconds of swap, cache reset and canary together."""
        return median(sum(trial.get(name, 0.0) for name in SWAP_AND_CANARY) for trial in self.trials)

    @property
    def ours(self) -> float:
        """Median seconds of the work that is ours: neither swap nor what the limit leaves out."""
        left_out = (*ELSEWHERE, *SWAP_AND_CANARY)
        return median(t["whole"] - sum(t.get(name, 0.0) for name in left_out) for t in self.trials)

    def to_json(self) -> dict[str, Any]:
        """Plain data: every trial, and what follows from them."""
        goals = {
            "swap_and_canary": {"seconds": self.swap, "limit": MOST_SWAP},
            "ours": {"seconds": self.ours, "limit": MOST_OURS},
        }
        return {**asdict(self), "medians": self.medians, "goals": goals}

    def to_markdown(self) -> str:
        """A table for people."""
        medians = self.medians
        whole = medians.pop("whole")
        rows = [
            f"| {name} | {seconds * 1000:.1f} | {seconds / whole:.1%} |"
            for name, seconds in sorted(medians.items(), key=lambda each: -each[1])
        ]
        return (
            "\n".join((*self._head(), *rows, f"| **whole trial** | {whole * 1000:.1f} | |", *self._goals()))
            + "\n"
        )

    def _head(self) -> tuple[str, ...]:
        machine = self.machine
        return (
            f"# Where a trial's time goes: {machine.cpu}, {machine.cores} cores",
            "",
            f"{machine.date}, Python {machine.python}, torch {machine.torch}. Engine `{self.engine}`, the"
            f" tiny study, {self.items} items a trial, medians over {len(self.trials)} trials; load average"
            f" {self.load:.1f}. Written by `python -m benchmarks.trial`.",
            "",
            "| part | ms | share |",
            "|---|---|---|",
        )

    def _goals(self) -> tuple[str, ...]:
        return (
            "",
            f"- swap, cache reset and canary: {self.swap:.3f} s (at most {MOST_SWAP:g} s)"
            f" {_mark(self.swap <= MOST_SWAP)}",
            "- work outside merging, generation, sandbox, math-verify, Optuna, swap and canary:"
            f" {self.ours:.3f} s (at most {MOST_OURS:g} s) {_mark(self.ours <= MOST_OURS)}",
        )


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"
