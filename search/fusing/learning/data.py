"""The data that fused models learn from, and where each row stands in the user's files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from merging.fusion.texts import Row, digest_rows, read_rows
from merging.methods.registry import nearest
from merging.shown import shown
from search.errors import SearchError


@dataclass(frozen=True)
class Data:
    """Rows of all files, in their order, and the place of each as `file:line`."""

    rows: tuple[Row, ...]
    places: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """What the data is, wherever its files lie."""
        return digest_rows(self.rows)


def read_data(files: Sequence[Path], slices: Collection[str]) -> Data:
    """Read JSONL files of instructions and responses; `slices` are the names that a row's `slice` may have.

    Raises:
        DataError, SearchError: the file, its line and the field that is wrong, and the remedy.
    """
    rows: list[Row] = []
    places: list[str] = []
    for file in files:
        found = read_rows([file])
        rows += found
        places += _places(file)
    assert len(rows) == len(places), f"{len(rows)} rows on {len(places)} lines"
    for row, place in zip(rows, places, strict=True):
        _check_slice(row, place, slices)
    return Data(tuple(rows), tuple(places))


def _places(file: Path) -> Iterator[str]:
    """Where rows are: on every line that is not blank."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{file}:{number}"


def _check_slice(row: Row, place: str, slices: Collection[str]) -> None:
    if row.slice is not None and row.slice not in slices:
        hint = nearest(row.slice, list(slices))
        raise SearchError(
            f"{place}: slice: {shown(row.slice)} is none of the studies' slices {', '.join(slices)}{hint};"
            " leave it out where a row is like none of them"
        )
