"""Seconds by what they were spent on, in one thread and beside it, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from threading import Thread, current_thread, local
from time import perf_counter
from typing import Any

from benchmarks.machine import Machine

BUSY, WAITING = "generation", "waiting for graders"
ELSEWHERE = ("merging", BUSY, "sandbox", "math-verify", "Optuna", WAITING)
"""What the limit on our own work leaves out, beside the swap and its canary."""
SWAP_AND_CANARY = ("swap", "cache reset", "canary")
MOST_SWAP, MOST_OURS, LEAST_BUSY = 1.0, 0.1, 0.9


@dataclass
class Clock:
    """Seconds by name; of nested calls the inner one's count for the inner name alone.

    What other threads than the clock's own spend is counted apart, for it is spent at the same time.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    """Of other threads."""
    _own: Thread = field(default_factory=current_thread)
    _threads: local = field(default_factory=local)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed under a name."""

        def call(*arguments: Any, **options: Any) -> Any:
            inner = self._inner()
            inner.append(0.0)
            began = perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent = perf_counter() - began
                self.add(name, spent - inner.pop())
                inner[-1] += spent

        return call

    def add(self, name: str, seconds: float) -> None:
        """Count seconds of this thread under a name."""
        counted = self.seconds if current_thread() is self._own else self.beside
        counted[name] = counted.get(name, 0.0) + seconds

    def take(self) -> dict[str, float]:
        """What was counted in the clock's own thread since it was last taken."""
        taken, self.seconds = self.seconds, {}
        return taken

    def take_beside(self) -> dict[str, float]:
        """What was counted in other threads since it was last taken."""
        taken, self.beside = self.beside, {}
        return taken

    def _inner(self) -> list[float]:
        """Of each call under way in this thread, what was timed inside it."""
        if not hasattr(self._threads, "inner"):
            self._threads.inner = [0.0]
        inner: list[float] = self._threads.inner
        return inner


@dataclass(frozen=True)
class TrialTimes:
    """Seconds of each trial by what they were spent on; `rest` is what nothing else claims."""

    machine: Machine
    engine: str
    items: int
    trials: tuple[Mapping[str, float], ...]
    load: float
    """How many processes wanted a core on average in the last minute, ours among them."""
    beside: tuple[Mapping[str, float], ...] = ()
    """Of each trial, what was done in another thread meanwhile."""

    @property
    def medians(self) -> dict[str, float]:
        """Medians over the trials; `whole` is the whole trial's."""
        return _medians(self.trials)

    @property
    def busy(self) -> float:
        """Median share of a trial in which the engine answers."""
        return median(trial.get(BUSY, 0.0) / trial["whole"] for trial in self.trials)

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
            "busy": {"share": self.busy, "at_least": LEAST_BUSY},
        }
        return {
            **asdict(self),
            "medians": self.medians,
            "medians_beside": _medians(self.beside),
            "goals": goals,
        }

    def to_markdown(self) -> str:
        """A table for people."""
        medians = self.medians
        whole = medians.pop("whole")
        rows = [*_rows(medians, whole), f"| **whole trial** | {whole * 1000:.1f} | |"]
        if any(self.beside):
            rows += ["", "Meanwhile, in the thread that grades:", "", *_TABLE]
            rows += _rows(_medians(self.beside), whole)
        return "\n".join((*self._head(), *rows, *self._goals())) + "\n"

    def _head(self) -> tuple[str, ...]:
        machine = self.machine
        return (
            f"# Where a trial's time goes: {machine.cpu}, {machine.cores} cores",
            "",
            f"{machine.date}, Python {machine.python}, torch {machine.torch}. Engine `{self.engine}`, the"
            f" tiny study, {self.items} items a trial, medians over {len(self.trials)} trials; load average"
            f" {self.load:.1f}. Written by `python -m benchmarks.trial`.",
            "",
            *_TABLE,
        )

    def _goals(self) -> tuple[str, ...]:
        return (
            "",
            f"- engine busy: {self.busy:.1%} of a trial (at least {LEAST_BUSY:.0%})"
            f" {_mark(self.busy >= LEAST_BUSY)}",
            f"- swap, cache reset and canary: {self.swap:.3f} s (at most {MOST_SWAP:g} s)"
            f" {_mark(self.swap <= MOST_SWAP)}",
            "- work outside merging, generation, sandbox, math-verify, waiting for graders, Optuna, swap and"
            " canary:"
            f" {self.ours:.3f} s (at most {MOST_OURS:g} s) {_mark(self.ours <= MOST_OURS)}",
        )


_TABLE = ("| part | ms | share |", "|---|---|---|")


def _rows(seconds: Mapping[str, float], whole: float) -> list[str]:
    ordered = sorted(seconds.items(), key=lambda each: -each[1])
    return [f"| {name} | {spent * 1000:.1f} | {spent / whole:.1%} |" for name, spent in ordered]


def _medians(trials: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = {name: None for trial in trials for name in trial}
    return {name: median(trial.get(name, 0.0) for trial in trials) for name in names}


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"
