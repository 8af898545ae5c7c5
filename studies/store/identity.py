"""Tells whether a resumed study is still the one that began."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

MODELS = "models"
"""The part of an identity that holds a study's models by name."""
SHOWN_CHANGES = 3
SHOWN_CHARACTERS = 40


def changes(was: Mapping[str, JSON], now: Mapping[str, JSON]) -> list[str]:
    """Names every dotted field in which two identities differ, each as `field was X, now Y`.

    Models that only changed their names are told first, and not field by field.
    """
    renamed = _renamed(was.get(MODELS), now.get(MODELS))
    names = {name for pair in renamed for name in pair}
    before, after = dict(_fields(_without(was, names))), dict(_fields(_without(now, names)))
    return [_told(*pair) for pair in renamed] + [
        f"{field} was {_shown(before.get(field))}, now {_shown(after.get(field))}"
        for field in dict.fromkeys([*before, *after])
        if before.get(field) != after.get(field)
    ]


def describe(changes: Sequence[str]) -> str:
    """The first few changes in one line, and the number of the others."""
    others = len(changes) - SHOWN_CHANGES
    return "; ".join(changes[:SHOWN_CHANGES]) + (f"; and {others} more" if others > 0 else "")


def _renamed(was: JSON, now: JSON) -> list[tuple[str, str]]:
    """Old and new name of each model that is there under another name now, with all that it was."""
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        return []
    moved = {name: model for name, model in was.items() if model and now.get(name) != model}
    fresh = {name: model for name, model in now.items() if was.get(name) != model}
    return [
        (name, other)
        for name, model in moved.items()
        for other in [next((other for other in fresh if fresh[other] == model), None)]
        if other is not None
    ]


def _told(old: str, new: str) -> str:
    """Numbers of a study's trials are filed under the names of its models, so these have to stay."""
    keep = f"write {{name: {old!r}, model: …}}"
    return f"model {old!r} is called {new!r} now, but its trials say {old!r} ({keep})"


def _without(identity: Mapping[str, JSON], names: Collection[str]) -> Mapping[str, JSON]:
    """The identity less the models of these names."""
    models = identity.get(MODELS)
    if not names or not isinstance(models, Mapping):
        return identity
    return {**identity, MODELS: {name: model for name, model in models.items() if name not in names}}


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
