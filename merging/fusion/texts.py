"""What a fusion learns from: rows of an instruction and its response, and how they are put to a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from merging.errors import DataError
from merging.shown import shown

Format = Literal["plain", "chat"]
_FIELDS = ("instruction", "response")


@dataclass(frozen=True)
class Row:
    """An instruction, the response to learn, and the slice whose evidence speaks for it, if any."""

    instruction: str
    response: str
    slice: str | None = None


def read_rows(files: Sequence[Path]) -> tuple[Row, ...]:
    """The rows of JSONL files `{"instruction": str, "response": str, "slice": str (optional)}`, in order.

    Other fields are left alone, and so are empty lines.

    Raises:
        DataError: a file cannot be read or has no row; a row is no such object; named by file and line.
    """
    return tuple(row for file in files for row in _rows_of(file))


def digest_rows(rows: Iterable[Row]) -> str:
    """SHA-256 of rows, whatever files they came from."""
    plain = [[row.instruction, row.response, row.slice] for row in rows]
    return hashlib.sha256(json.dumps(plain, separators=(",", ":")).encode()).hexdigest()


def choose_format(asked: str, chat: Mapping[str, bool]) -> Format:
    """The format that models share; `chat` says of each by name whether it has a chat template.

    `auto` is chat where every model has a template, plain where none has.

    Raises:
        DataError: there is none that all of them have, or `asked` is no format.
    """
    with_one = [name for name, has in chat.items() if has]
    without = [name for name, has in chat.items() if not has]
    if asked == "plain" or (asked == "auto" and not with_one):
        return "plain"
    if asked not in ("auto", "chat"):
        raise DataError(f"format: {shown(asked)} is none; write auto, plain or chat")
    if not without:
        return "chat"
    if asked == "chat":
        raise DataError(
            f"format: chat needs a chat template in every model, which {_listed(without)} lack; add a"
            " chat_template.jinja to each, or write `format: plain`"
        )
    raise DataError(
        f"format: the models share none: {_listed(with_one)} have a chat template, {_listed(without)} have"
        " none; write `format: plain`, or add a chat_template.jinja where there is none"
    )


def _rows_of(file: Path) -> Iterator[Row]:
    found = False
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    found = True
                    yield _row(f"{file}:{number}", line)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read ({error}); data is a JSONL file in UTF-8") from None
    if not found:
        raise DataError(f"{file}: has no rows; each line is an instruction and its response")


def _row(where: str, line: str) -> Row:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: no JSON ({error}); each line is an object") from None
    if not isinstance(said, dict):
        raise DataError(f"{where}: {shown(said)} is no object; write instruction and response")
    for name in _FIELDS:
        _check_text(where, name, said.get(name))
    if not said["response"].strip():
        raise DataError(f"{where}: response is empty; there is nothing to learn, leave the row out")
    part = said.get("slice")
    if part is not None:
        _check_text(where, "slice", part)
    return Row(said["instruction"], said["response"], part)


def _check_text(where: str, name: str, value: Any) -> None:
    if not isinstance(value, str):
        what = "is missing" if value is None else f"is {shown(value)}"
        raise DataError(f"{where}: {name} {what}; write a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can say half of a surrogate pair, which is no text
        raise DataError(f"{where}: {name} is no text ({error}); mend the row") from None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
