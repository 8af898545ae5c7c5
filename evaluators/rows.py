"""Local items: JSONL, one object a line, plain or gzipped."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from evaluators.errors import SliceError


@dataclass(frozen=True)
class Row:
    """One item as it lies in its file: its 0-based line and the fields that its benchmark needs."""

    index: int
    doc: Mapping[str, str]


def read_rows(path: Path, fields: Mapping[str, str]) -> tuple[Row, ...]:
    """All items of a file, reduced to `fields` (field name -> a mark that its text must contain).

    Blank lines are skipped and still counted. Raises SliceError naming file, line and field.
    """
    try:
        with _open(path) as lines:
            return tuple(Row(i, _parse(line, fields, f"{path} line {i + 1}")) for i, line in _nonblank(lines))
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


def _parse(line: str, fields: Mapping[str, str], place: str) -> dict[str, str]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at column {error.colno}"
        raise SliceError(f"{place}: not JSON ({reason}); write one object a line") from error
    if not isinstance(row, dict):
        raise SliceError(f"{place}: expected an object with {', '.join(fields)}, found {type(row).__name__}")
    return {field: _text(row, field, mark, place) for field, mark in fields.items()}


def _text(row: Mapping[str, object], field: str, mark: str, place: str) -> str:
    if field not in row:
        raise SliceError(f"{place}: field '{field}' is missing; found {', '.join(sorted(row)) or 'no field'}")
    text = row[field]
    if not isinstance(text, str):
        raise SliceError(f"{place}: field '{field}' must be a string, found {type(text).__name__}")
    if mark not in text:
        raise SliceError(f"{place}: field '{field}' holds no '{mark}'; there is no answer to grade against")
    return text
