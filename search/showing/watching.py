"""A study that runs elsewhere, watched from here: what its database tells, until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from search.showing.display import clock, shown
from search.showing.live import SHOWN, Line, table_of
from search.showing.tables import worker_line
from studies.store import ReadOnlyStore
from studies.store.patience import PATIENCE_S
from studies.store.rows import AT_WORK
from studies.views.studies import StudyView, one_study
from studies.views.tallies import Tallies
from studies.views.trials import TrialView, trials_since

EVERY_S = 2.0
"""Between two looks."""
_LAST_LOOKS = 2
"""A study is over when so many looks in a row find nobody at work: its processes may change places."""


@dataclass
class Watched:
    """One study as it was at the last look."""

    store: ReadOnlyStore
    name: str
    view: StudyView
    tallies: Tallies
    rows: list[TrialView] = field(default_factory=list)
    """The trials that came last, running ones too."""
    newest: int = -1
    idle: int = 0

    def look(self) -> list[TrialView]:
        """Look again; returns trials that have ended since the last look."""
        self.view = one_study(self.store, self.tallies, self.name)
        running = {row.number for row in self.rows if row.ended_at is None}
        found = trials_since(self.store, self.tallies, self.view.id, self.newest, running)
        known = {row.number: row for row in self.rows} | {row.number: row for row in found}
        # Running ones are kept however old they are: they are asked for again until they end.
        ordered = sorted(known.values(), key=lambda row: row.number)
        recent = {row.number for row in ordered[-SHOWN:]}
        self.rows = [row for row in ordered if row.number in recent or row.ended_at is None]
        self.newest = max([self.newest, *(row.number for row in found)])
        self.idle = 0 if self.view.state in AT_WORK else self.idle + 1
        return [row for row in found if row.ended_at is not None]

    @property
    def over(self) -> bool:
        """Whether there is no more to see."""
        return self.idle >= _LAST_LOOKS or self.view.state in ("complete", "failed")

    def __rich__(self) -> RenderableType:
        workers = [Text(f"  {worker_line(each)}") for each in self.view.workers]
        lines = [line_of(row, self.view) for row in self.rows[-SHOWN:]]
        return Group(Text(summary(self.view), style="bold"), *workers, *([table_of(lines)] if lines else []))


def watch_study(
    url: str,
    name: str,
    console: Console,
    every: float = EVERY_S,
    wait: Callable[[float], None] = time.sleep,
) -> StudyView:
    """Show a study until nobody works on it any more: a live table on a terminal, a line per trial elsewhere.

    Reads only, so the store may lie where nothing can be written. Returns what it was at the end.
    Raises StorageError if there is no such store; StudyNotFound if it has no such study.
    """
    with ReadOnlyStore(url, patience=PATIENCE_S) as store:
        tallies = Tallies()
        watched = Watched(store, name, one_study(store, tallies, name), tallies)
        watched.newest = watched.view.ended + watched.view.running - 1 - SHOWN
        with _shown(watched, console) as live:
            _follow(watched, console, live, every, wait)
        console.print(farewell(watched.view), highlight=False, soft_wrap=True, markup=False)
        return watched.view


def _follow(
    watched: Watched, console: Console, live: Live | None, every: float, wait: Callable[[float], None]
) -> None:
    first, said = True, ""
    while True:
        ended = watched.look()
        if live is not None:
            live.update(watched, refresh=True)
        else:
            for row in [] if first else ended:
                _say(console, f"{_line(row, watched.view)}  {_far(watched.view)}")
            if (now := _doing(watched.view)) != said:
                said = now
                _say(console, summary(watched.view))
        first = False
        if watched.over:
            return
        wait(every)


def _shown(watched: Watched, console: Console) -> AbstractContextManager[Live | None]:
    if not console.is_terminal:
        return nullcontext()
    return Live(watched, console=console, auto_refresh=False)


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def _doing(view: StudyView) -> str:
    """What a line of its own is printed for when it changes, where there is no terminal."""
    return f"{view.state} {view.asked} {len(view.workers)}"


def summary(view: StudyView) -> str:
    """A study in one line, e.g. `tiny: searching, 12/60 trials, best 81.2 (trial 4), 90/h, 0:32:00 left`."""
    asked = {"pause": " (paused)", "stop": " (stopping)"}.get(view.asked or "", "") if view.workers else ""
    workers = f", {len(view.workers)} worker{'s' if len(view.workers) != 1 else ''}" if view.workers else ""
    return f"{view.name}: {view.state}{asked}, {_far(view)}{workers}"


def _far(view: StudyView) -> str:
    parts = [f"{view.ended}{f'/{view.budget}' if view.budget else ''} trials"]
    parts += [f"{view.pruned} stopped early"] if view.pruned else []
    parts += [f"{n} failed ({kind})" for kind, n in view.failures.items()]
    if view.best is not None:
        parts.append(f"best {shown(view.best.worth.value, view.goals)} ({view.best.name})")
    if view.state in AT_WORK:
        parts += [f"{view.per_hour:.0f}/h"] if view.per_hour else []
        parts += [f"{clock(view.left_s)} left"] if view.left_s else []
    return ", ".join(parts)


def line_of(row: TrialView, view: StudyView) -> Line:
    """A trial in the table."""
    best = view.best is not None and view.best.trial == row.number
    took = "" if row.seconds is None else clock(row.seconds)
    if row.state == "running":
        return Line(row.name, "", took, f"{row.asked} of {row.items} items", "dim")
    style = {"pruned": "dim", "failed": "yellow"}.get(row.state, "bold" if best else "")
    return Line(row.name, _score(row, view), took, row.reason or ("best so far" if best else ""), style)


def _line(row: TrialView, view: StudyView) -> str:
    """A trial where there is no terminal."""
    said = row.reason if row.state == "pruned" else f"failed: {row.reason}"
    return f"{row.name:<10} {_score(row, view) if row.worths is not None else said}"


def _score(row: TrialView, view: StudyView) -> str:
    if row.worths is None:
        return {"pruned": "stopped", "failed": "-"}.get(row.state, "not known yet")
    values = tuple(each.value for each in row.worths)
    return shown(values if len(values) > 1 else values[0], view.goals)


def farewell(view: StudyView) -> str:
    """What is said at the end of a watch, and what to do next."""
    reason = f": {view.reason}" if view.reason else ""
    then = f"; see `crucible leaderboard {view.name}`" if view.state == "complete" else ""
    return f"{view.name} is {view.state}{reason}{then}"
