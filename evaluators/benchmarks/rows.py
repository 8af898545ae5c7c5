"""Local items: JSONL, one object a line, plain or gzipped."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evaluators.errors import SliceError

Check = Callable[[object], str]
"""Says what is wrong with a field's value, to be read after `field 'name' `; "" if nothing is."""
Schema = Mapping[str, Check]


@dataclass(frozen=True)
class Row:
    """One item as it lies in its file: its 0-based line and the fields that its benchmark needs."""

    index: int
    doc: Mapping[str, Any]


def text(mark: str = "") -> Check:
    """A string that contains `mark`, without which there is no answer to grade against."""

    def wrong(value: object) -> str:
        if not isinstance(value, str):
            return f"must be a string, found {type(value).__name__}"
        return "" if mark in value else f"holds no '{mark}'; there is no answer to grade against"

    return wrong


def texts(fewest: int) -> Check:
    """A list of at least so many strings, none of them empty."""

    def wrong(value: object) -> str:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            return f"must be a list of strings, found {_kind(value)}"
        if not all(value):
            return "holds an empty string"
        return "" if len(value) >= fewest else f"holds {len(value)} strings, but {fewest} are needed"

    return wrong


def whole(below: int | None = None) -> Check:
    """A whole number from 0 on, and below a bound if one is given."""

    def wrong(value: object) -> str:
        sound = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if sound and (below is None or value < below):  # type: ignore[operator]
            return ""
        return f"must be a whole number from 0{'' if below is None else f' to {below - 1}'}, found {value!r}"

    return wrong


def read_rows(path: Path, schema: Schema | None) -> tuple[Row, ...]:
    """All items of a file, reduced to the fields of `schema`; with every field where there is no schema.

    Blank lines are skipped and still counted. Raises SliceError naming file, line and field.
    """
    try:
        with _open(path) as lines:
            return tuple(Row(i, _parse(line, schema, f"{path} line {i + 1}")) for i, line in _nonblank(lines))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SliceError(f"{path}: cannot be read ({reason}); give a JSONL file, plain or .gz") from error
    except UnicodeDecodeError as error:
        raise SliceError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from error


def _open(path: Path) -> IO[str]:
    # Only "\n" ends a line: JSON strings may hold other characters that Python takes for line ends.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _nonblank(lines: IO[str]) -> Iterator[tuple[int, str]]:
    return ((i, line) for i, line in enumerate(lines) if line.strip())


def _parse(line: str, schema: Schema | None, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at column {error.colno}"
        raise SliceError(f"{place}: not JSON ({reason}); write one object a line") from error
    if not isinstance(row, dict):
        fields = f" with {', '.join(schema)}" if schema else ""
        raise SliceError(f"{place}: expected an object{fields}, found {type(row).__name__}")
    if schema is None:
        return row
    return {field: _checked(row, field, check, place) for field, check in schema.items()}


def _checked(row: Mapping[str, object], field: str, check: Check, place: str) -> object:
    if field not in row:
        raise SliceError(f"{place}: field '{field}' is missing; found {', '.join(sorted(row)) or 'no field'}")
    wrong = check(row[field])
    if wrong:
        raise SliceError(f"{place}: field '{field}' {wrong}")
    return row[field]


def _kind(value: object) -> str:
    if not isinstance(value, list):
        return type(value).__name__
    return f"a list with {next(type(each).__name__ for each in value if not isinstance(each, str))}"
