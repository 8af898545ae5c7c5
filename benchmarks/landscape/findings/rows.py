"""The rows of the benchmark: one for each time that a search found something better, one for each race."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

UNRACED = "-unraced"
"""In the name of an entry of ours that asks every candidate everything; without, the same search races."""


@dataclass(frozen=True)
class Row:
    """After so many items this entry's incumbent scores so much on holdout items, between 0 and 1."""

    landscape: str
    entry: str
    seed: int
    items: int
    holdout: float


@dataclass(frozen=True)
class RaceRow:
    """A candidate that was raced: after how many items it ended, and its score on all of them.

    If the entry itself does not race: how the race would have ended. None: rows of earlier runs do not say.
    """

    landscape: str
    entry: str
    seed: int
    items: int
    stopped: bool
    score: float
    incumbent: float
    trial: int | None = None
    """The number of trials that the search made before."""
    spent: int | None = None
    """Items that the search had scored when this trial ended."""
    again: bool | None = None
    """Whether the search had tried the same recipe before."""

    @property
    def wins(self) -> bool:
        """Whether it would be the new incumbent, had it been asked everything."""
        return self.score > self.incumbent


def read_races(file: Path) -> list[RaceRow]:
    """All races; none where there is no file."""
    if not file.is_file():
        return []
    return [RaceRow(**json.loads(line)) for line in file.read_text().splitlines()]


def read_rows(file: Path) -> list[Row]:
    """All rows; none where there is no file."""
    if not file.is_file():
        return []
    return [Row(**json.loads(line)) for line in file.read_text().splitlines()]


def write_rows(file: Path, rows: Sequence[Row] | Sequence[RaceRow]) -> None:
    """Add a whole run in one piece: a process that dies leaves no part of one."""
    if not rows:
        return
    lines = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        written = os.write(handle, lines.encode())
        assert written == len(lines.encode())
    finally:
        os.close(handle)
