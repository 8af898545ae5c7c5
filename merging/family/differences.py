"""What may differ between the models of a family, but matters to who uses a merge of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merging.family.chat_template import read_template
from merging.family.harmless import LENGTHS
from merging.family.outfit import ends_of, home, output_ends
from merging.models.checkpoint import Checkpoint

TEMPLATE = "chat_template"


@dataclass(frozen=True)
class Difference:
    """A field in which models differ, and what a merge of them gets."""

    field: str
    values: Mapping[str, Any]
    """What each model has, by its name; a chat template as the beginning of its SHA-256."""
    output: Any
    source: str
    """The name of the model whose value the output gets, or `all`."""

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {**vars(self), "values": dict(self.values)}

    def to_text(self) -> str:
        """One line for a person."""
        each = ", ".join(f"{name} {_words(value)}" for name, value in self.values.items())
        whose = "of all models" if self.source == "all" else f"{self.source}'s"
        return f"{self.field}: {each}; the merge has {_words(self.output)}, {whose}"


def differences(
    models: Sequence[Checkpoint], names: Sequence[str], chosen: int | None = None
) -> tuple[Difference, ...]:
    """In what a family's models differ that changes no arithmetic, and what a merge gets; the base is first.

    `chosen` is the place of the model whose config the output takes, if one was named.

    Raises:
        CheckpointError: a file beside the weights cannot be read.
    """
    names = _told_apart(names)
    homes = [home(model, models[0]) for model in models]
    ends = [tuple(found) for found in ends_of(models)]
    found = []
    if len({frozenset(each) for each in ends}) > 1:
        source = "all" if chosen is None else names[chosen]
        values = {name: list(each) for name, each in zip(names, ends, strict=True)}
        found.append(Difference("eos_token_id", values, list(output_ends(models, chosen)), source))
    for field, each in (
        ("max_position_embeddings", [_length(model) for model in homes]),
        (TEMPLATE, [_short(read_template(model.folder)) for model in homes]),
    ):
        if len(set(each)) > 1:
            place = chosen or 0
            found.append(Difference(field, dict(zip(names, each, strict=True)), each[place], names[place]))
    return tuple(found)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names of which none is like another's: a number follows where they are."""
    return [
        name if list(names).index(name) == place else f"{name} ({place})" for place, name in enumerate(names)
    ]


def _length(model: Checkpoint) -> int | None:
    text = model.config.get("text_config") or model.config
    return next((text[name] for name in LENGTHS if text.get(name) is not None), None)


def _short(template: str | None) -> str | None:
    return None if template is None else hashlib.sha256(template.strip().encode()).hexdigest()[:8]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
