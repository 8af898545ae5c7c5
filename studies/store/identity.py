"""Tells whether a resumed study is still the one that began."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

SHOWN_CHANGES = 3
SHOWN_CHARACTERS = 40


def changes(was: Mapping[str, JSON], now: Mapping[str, JSON]) -> list[str]:
    """Names every dotted field in which two identities differ, each as `field was X, now Y`."""
    before, after = dict(_fields(was)), dict(_fields(now))
    return [
        f"{field} was {_shown(before.get(field))}, now {_shown(after.get(field))}"
        for field in dict.fromkeys([*before, *after])
        if before.get(field) != after.get(field)
    ]


def describe(changes: Sequence[str]) -> str:
    """The first few changes in one line, and the number of the others."""
    others = len(changes) - SHOWN_CHANGES
    return "; ".join(changes[:SHOWN_CHANGES]) + (f"; and {others} more" if others > 0 else "")


def _fields(value: JSON, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yields (dotted field, JSON text) for every value within; an empty list or mapping is a value."""
    inner: list[tuple[str, JSON]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = [(str(index), element) for index, element in enumerate(value)]
    if path and not inner:
        yield ".".join(path), json.dumps(value)
    for key, element in inner:
        yield from _fields(element, (*path, key))


def _shown(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
