"""Progress while a search runs: a live bar on a terminal, a line per candidate elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from search.showing.step import Phase, Step
from search.showing.tables import percent
from search.study_file.spec import Objective

PHASES = {"dry run": "dry run", "baselines": "baselines", "trials": "search", "holdout": "holdout"}


@dataclass
class Best:
    """The best search score so far, and who has it."""

    name: str = "-"
    score: float | None = None

    def see(self, step: Step) -> None:
        """Take the step's score if it beats what was seen."""
        if step.score is not None and (self.score is None or step.score > self.score):
            self.name, self.score = step.name, step.score

    def text(self, objective: Objective) -> str:
        """As people read it, e.g. `81.2 (trial 4)`."""
        return "-" if self.score is None else f"{shown(self.score, objective)} ({self.name})"


@dataclass
class Pace:
    """How quickly candidates of one phase came, and how long the rest of them will take."""

    began: float
    count: int = 0

    def see(self, step: Step) -> tuple[float, float]:
        """Candidates a minute, and seconds left, now that this one is done."""
        self.count += 1
        each = (time.monotonic() - self.began) / self.count
        return 60 / max(each, 1e-9), each * (step.total - step.done)


@dataclass
class Display:
    """Shows steps as they come: a live bar for each phase on a terminal, a line per candidate elsewhere."""

    console: Console
    objective: Objective = "accuracy"
    best: Best = field(default_factory=Best)

    def follow(self, steps: Iterable[Step]) -> None:
        """Consume the steps, showing best so far, candidates a minute and time left."""
        with self.reporting() as report:
            for step in steps:
                report(step)

    @contextmanager
    def reporting(self) -> Iterator[Callable[[Step], None]]:
        """Inside the block, show each step that what it yields is called with."""
        paces: dict[Phase, Pace] = {}
        began = time.monotonic()

        def seen(step: Step) -> tuple[float, float]:
            nonlocal began
            if step.phase in ("baselines", "trials"):
                self.best.see(step)
            rate, left = paces.setdefault(step.phase, Pace(began)).see(step)
            began = time.monotonic()  # where the next phase begins, if there comes one
            return rate, left

        if not self.console.is_terminal:
            yield lambda step: self._line(step, *seen(step))
            return
        with _bars(self.console) as bars:
            tasks: dict[Phase, TaskID] = {}
            yield lambda step: self._bar(bars, tasks, step, seen(step)[0])

    def hear(self, worker: int, text: str) -> None:
        """Show what one of several workers says."""
        self.console.print(f"worker {worker}: {text}", highlight=False, soft_wrap=True, markup=False)

    def _bar(self, bars: Progress, tasks: dict[Phase, TaskID], step: Step, rate: float) -> None:
        if step.phase not in tasks:
            tasks[step.phase] = bars.add_task(PHASES[step.phase], total=step.total, best="-", rate="-")
        best = self.best.text(self.objective)
        bars.update(tasks[step.phase], completed=step.done, best=best, rate=f"{rate:.0f}")
        if step.reason:
            bars.console.print(f"  {step.name} failed: {step.reason}", style="yellow", highlight=False)

    def _line(self, step: Step, rate: float, left: float) -> None:
        score = f"failed: {step.reason}" if step.score is None else self._score(step.score, step.phase)
        self.console.print(
            f"{PHASES[step.phase]:<9} {step.done:>3}/{step.total}  {step.name:<10} {score}"
            f"  best {self.best.text(self.objective)}  {rate:.0f}/min  {clock(left)} left",
            highlight=False,
            soft_wrap=True,
        )

    def _score(self, score: float, phase: Phase) -> str:
        """The score in the units of its phase: holdout items are judged by accuracy."""
        return shown(score, "accuracy" if phase == "holdout" else self.objective)


def _bars(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("best {task.fields[best]} · {task.fields[rate]}/min ·"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
    )


def shown(score: float, objective: Objective) -> str:
    """A score as people read it: points of accuracy, or natural log-probability per token."""
    return percent(score) if objective == "accuracy" else f"{score:.4f}"


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
