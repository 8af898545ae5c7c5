"""Progress while a search runs: a live bar on a terminal, a line per candidate elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
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
class Display:
    """Shows steps as they come: a live bar on a terminal, a line per candidate elsewhere."""

    console: Console
    objective: Objective = "accuracy"
    best: Best = field(default_factory=Best)

    def follow(self, steps: Iterable[Step], *, deadline: float = float("inf")) -> None:
        """Consume the steps of one phase, showing best so far, candidates a minute and time left."""
        if self.console.is_terminal:
            self._bar(steps, deadline)
        else:
            self._lines(steps, deadline)

    def _bar(self, steps: Iterable[Step], deadline: float) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("best {task.fields[best]} · {task.fields[rate]}/min ·"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Progress(*columns, console=self.console) as progress:
            task = None
            for step, rate, _ in self._paced(steps, deadline):
                if task is None:
                    task = progress.add_task(PHASES[step.phase], total=step.total, best="-", rate="-")
                progress.update(
                    task, completed=step.done, best=self.best.text(self.objective), rate=f"{rate:.0f}"
                )
                if step.reason:
                    progress.console.print(
                        f"  {step.name} failed: {step.reason}", style="yellow", highlight=False
                    )

    def _lines(self, steps: Iterable[Step], deadline: float) -> None:
        for step, rate, left in self._paced(steps, deadline):
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

    def _paced(self, steps: Iterable[Step], deadline: float) -> Iterable[tuple[Step, float, float]]:
        """Each step with candidates a minute and seconds left, over the steps of this run."""
        began = time.monotonic()
        for count, step in enumerate(steps, 1):
            if step.phase in ("baselines", "trials"):
                self.best.see(step)
            now = time.monotonic()
            pace = (now - began) / count
            yield step, 60 / max(pace, 1e-9), min(pace * (step.total - step.done), deadline - now)


def shown(score: float, objective: Objective) -> str:
    """A score as people read it: points of accuracy, or natural log-probability per token."""
    return percent(score) if objective == "accuracy" else f"{score:.4f}"


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
