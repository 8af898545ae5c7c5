"""Progress while a search runs: a live table on a terminal, a line per candidate elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from rich.console import Console

from search.showing.goals import value_of
from search.showing.live import Line, LiveTable
from search.showing.step import Phase, Step
from search.study_file.spec import Objective
from studies.objectives.front import Point, front, oriented
from studies.objectives.goals import ACCURACY, GOLD, Goals, directions, read_goals
from studies.verdicts.steering import Score

PHASES = {"dry run": "dry run", "baselines": "baselines", "trials": "search", "holdout": "holdout"}


@dataclass
class Best:
    """The best search score so far, and who has it; of several objectives those that nobody dominates."""

    name: str = "-"
    score: float | None = None
    front: list[Point] = field(default_factory=list)

    def see(self, step: Step, goals: Goals) -> None:
        """Take the step's score if it beats what was seen."""
        if isinstance(step.score, tuple):
            points = [*self.front, oriented(step.score, directions(goals))]
            self.front = [points[i] for i in front(points)]
        elif step.score is not None and step.score > (-inf if self.score is None else self.score):
            self.name, self.score = step.name, step.score

    def text(self, goals: Goals) -> str:
        """As people read it, e.g. `best 81.2 (trial 4)`, or `front of 7`."""
        if len(goals) > 1:
            return f"front of {len(self.front)}" if self.front else "front -"
        return "best -" if self.score is None else f"best {shown(self.score, goals)} ({self.name})"


@dataclass
class Spared:
    """What racing saved so far, of what there was to ask."""

    items: int = 0
    left: int = 0

    def see(self, step: Step) -> None:
        """Count a trial's."""
        self.items += step.items
        self.left += step.left

    def text(self) -> str:
        """Such as `, 38% saved`; empty where nothing was."""
        return f", {self.left / self.items:.0%} of items saved" if self.left else ""


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
    """Shows steps as they come: a live table and bars on a terminal, a line per candidate elsewhere."""

    console: Console
    objective: Objective = "accuracy"
    best: Best = field(default_factory=Best)
    spared: Spared = field(default_factory=Spared)

    @property
    def goals(self) -> Goals:
        """What scores on search items are of."""
        return read_goals(self.objective)

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
                self.best.see(step, self.goals)
            self.spared.see(step)
            rate, left = paces.setdefault(step.phase, Pace(began)).see(step)
            began = time.monotonic()  # where the next phase begins, if there comes one
            return rate, left

        if not self.console.is_terminal:
            yield lambda step: self._line(step, *seen(step))
            return
        table = LiveTable(self.console)
        with table.open():
            yield lambda step: self._show(table, step, seen(step)[0])

    def say(self, text: str) -> None:
        """Show a line about the run as a whole."""
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)

    def hear(self, worker: int, text: str) -> None:
        """Show what one of several workers says."""
        self.console.print(f"worker {worker}: {text}", highlight=False, soft_wrap=True, markup=False)

    def _show(self, table: LiveTable, step: Step, rate: float) -> None:
        best = self.best.text(self.goals) + self.spared.text()
        table.advance(PHASES[step.phase], step.done, step.total, best, f"{rate:.0f}")
        table.add(self._row(step))
        if step.dropped_after is not None:
            self.console.print(f"  {step.name} {_dropped(step)}", highlight=False)
        if step.reason and not step.pruned:
            self.console.print(f"  {step.name} failed: {step.reason}", style="yellow", highlight=False)

    def _row(self, step: Step) -> Line:
        """The step in the table; the best so far is bold."""
        took = clock(step.seconds) if step.seconds else ""
        name = step.name if step.phase in ("baselines", "trials") else f"{PHASES[step.phase]}: {step.name}"
        if step.score is None:
            if step.pruned:
                return Line(name, "stopped", took, str(step.reason), "dim")
            return Line(name, "-", took, f"failed: {step.reason}", "yellow")
        best = step.phase in ("baselines", "trials") and step.name == self.best.name
        note = _dropped(step) if step.dropped_after is not None else "best so far" if best else ""
        return Line(name, self._score(step.score, step), took, note, "bold" if best else "")

    def _line(self, step: Step, rate: float, left: float) -> None:
        best = self.best.text(self.goals) + self.spared.text()
        self.console.print(
            f"{PHASES[step.phase]:<9} {step.done:>3}/{step.total}  {step.name:<10} {self._said(step)}"
            f"  {best}  {rate:.0f}/min  {clock(left)} left",
            highlight=False,
            soft_wrap=True,
        )

    def _said(self, step: Step) -> str:
        if step.score is not None:
            dropped = f" {_dropped(step)}" if step.dropped_after is not None else ""
            return f"{self._score(step.score, step)}{dropped}"
        return str(step.reason) if step.pruned else f"failed: {step.reason}"

    def _score(self, score: Score, step: Step) -> str:
        """The score in the units of its phase: holdout items are judged by accuracy."""
        if step.phase == "dry run":
            return shown(score, (GOLD if step.gold else ACCURACY,))
        return shown(score, (ACCURACY,) if step.phase == "holdout" else self.goals)


def _dropped(step: Step) -> str:
    return f"dropped as behind after {step.dropped_after} holdout items"


def shown(score: Score, goals: Goals) -> str:
    """A score as people read it; of several goals each with its name."""
    if isinstance(score, tuple):
        pairs = zip(goals, score, strict=True)
        return ", ".join(f"{goal.name} {value_of(goal, value)}" for goal, value in pairs)
    return value_of(goals[0], score)


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
