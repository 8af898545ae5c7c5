"""A search on a terminal: a bar for each phase, and a table of the candidates that came last."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

SHOWN = 8
"""Candidates that the table has room for."""
_REFRESHES = 4
"""A second."""


@dataclass(frozen=True)
class Line:
    """One candidate as the table shows it."""

    name: str
    score: str
    took: str
    note: str = ""
    style: str = ""


@dataclass
class LiveTable:
    """What is redrawn in place while a search runs."""

    console: Console
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=SHOWN))
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[best]} · {task.fields[rate]}/min ·"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
        )

    def open(self) -> Live:
        """To be entered while the search runs; what is printed meanwhile stands above it."""
        return Live(self, console=self.console, refresh_per_second=_REFRESHES)

    def advance(self, phase: str, done: int, total: int, best: str, rate: str) -> None:
        """Move the bar of a phase."""
        if phase not in self.tasks:
            self.tasks[phase] = self.bars.add_task(phase, total=total, best="-", rate="-")
        self.bars.update(self.tasks[phase], completed=done, total=total, best=best, rate=rate)

    def add(self, line: Line) -> None:
        """Show one more candidate."""
        self.lines.append(line)

    def __rich__(self) -> RenderableType:
        return Group(table_of(self.lines), self.bars) if self.lines else self.bars


def table_of(lines: Sequence[Line] | deque[Line]) -> Table:
    """The candidates, the last one lowest; as long as a terminal is wide, and no line breaks."""
    table = Table(header_style="bold", expand=False)
    table.add_column("candidate", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("", overflow="ellipsis", no_wrap=True, min_width=20)
    for each in lines:
        # As text: what models and errors say is no markup.
        table.add_row(*map(Text, (each.name, each.score, each.took, each.note)), style=each.style)
    return table
