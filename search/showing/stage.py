"""Progress of long work that is no search: a live bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from search.showing.display import clock

EVERY = 5.0
"""Seconds between lines where there is no terminal."""


class Advance(Protocol):
    """Told how much is done, of how much, and a note such as `loss 1.234`."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


@dataclass(frozen=True)
class Stages:
    """Shows one stage of the work after another: how far it is, how fast, and the time left."""

    console: Console
    every: float = EVERY

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str, unit: str) -> Iterator[Advance]:
        """Show work on so many units; what was done when it is first told of counts as done before."""
        if self.console.is_terminal:
            with self._bar(name, unit) as advance:
                yield advance
        else:
            yield _Lines(self, name, _Pace(unit))

    @contextmanager
    def _bar(self, name: str, unit: str) -> Iterator[Advance]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]} ·"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task(name, total=None, note="")
            pace = _Pace(unit)

            def advance(done: int, total: int, note: str = "") -> None:
                pace.see(done, total)
                said = f"{pace.rate()} · {note}" if note else pace.rate()
                progress.update(task, completed=done, total=total, note=said)

            yield advance


@dataclass
class _Pace:
    """How fast a stage goes, over what was done since it was first told of."""

    unit: str
    before: int | None = None
    done: int = 0
    total: int = 0
    began: float = field(default_factory=time.monotonic)

    def see(self, done: int, total: int) -> None:
        if self.before is None:
            self.before, self.began = done, time.monotonic()
        self.done, self.total = done, total

    @property
    def speed(self) -> float:
        """Units a second."""
        return (self.done - (self.before or 0)) / max(time.monotonic() - self.began, 1e-9)

    def rate(self) -> str:
        return f"{self.speed:.3g} {self.unit}/s"

    def left(self) -> float:
        """Seconds, at this pace."""
        return (self.total - self.done) / self.speed if self.speed > 0 else 0.0


@dataclass
class _Lines:
    """Prints a line every few seconds, and one for the end."""

    stages: Stages
    name: str
    pace: _Pace
    shown: float = field(default_factory=time.monotonic)

    def __call__(self, done: int, total: int, note: str = "") -> None:
        self.pace.see(done, total)
        if done < total and time.monotonic() - self.shown < self.stages.every:
            return
        self.shown = time.monotonic()
        more = f"  {note}" if note else ""
        self.stages.say(
            f"{self.name}  {done}/{total}{more}  {self.pace.rate()}  {clock(self.pace.left())} left"
        )
