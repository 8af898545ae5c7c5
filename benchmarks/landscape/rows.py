"""The rows of the benchmark: one for each time that a search found something better."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """After so many items this entry's incumbent scores so much on holdout items, between 0 and 1."""

    landscape: str
    entry: str
    seed: int
    items: int
    holdout: float


def read_rows(file: Path) -> list[Row]:
    """All rows; none where there is no file."""
    if not file.is_file():
        return []
    return [Row(**json.loads(line)) for line in file.read_text().splitlines()]


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    """Add a whole run in one piece: a process that dies leaves no part of one."""
    lines = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        written = os.write(handle, lines.encode())
        assert written == len(lines.encode())
    finally:
        os.close(handle)
