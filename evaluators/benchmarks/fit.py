"""Prompts that are longer than a model's context leaves room for: counted before an engine starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evaluators.benchmarks.items import Item
from evaluators.benchmarks.slices import Slice
from evaluators.engines.encoding import encode_pairs
from evaluators.engines.reader import Reader
from evaluators.errors import SliceError

Rule = Literal["truncate", "drop"]
"""truncate: as in lm-eval, a prompt loses its beginning, token by token. drop: the item is not asked."""


@dataclass(frozen=True)
class Long:
    """How many prompts of a slice are too long, and what becomes of them."""

    slice: str
    split: str
    prompts: int
    of: int
    tokens: int
    """What there is room for."""
    rule: Rule

    def __str__(self) -> str:
        done = {"truncate": "they lose their beginning", "drop": "they are not asked"}[self.rule]
        return (
            f"slice '{self.slice}' ({self.split}): {self.prompts} of {self.of} prompts have more than"
            f" {self.tokens} tokens: {done} (long_prompts: {self.rule})"
        )


@dataclass(frozen=True)
class Fitted:
    """Slices without the items that were dropped, and what was too long in them."""

    slices: tuple[Slice, ...]
    long: tuple[Long, ...]


def fit(slices: Sequence[Slice], reader: Reader, rules: Mapping[str, Rule]) -> Fitted:
    """Find the prompts that do not fit into the reader's context with their answer, and drop or leave them.

    `rules` are by the slices' names. What is left is truncated by the engine, which all engines do alike.
    Raises SliceError when a slice would be left without an item.
    """
    fitted: list[Slice] = []
    found: list[Long] = []
    for part in slices:
        room = _room(part, reader)
        too_long = _too_long(part, reader, room)
        kept = part
        if too_long and rules[part.name] == "drop":
            kept = replace(part, items=tuple(item for item in part.items if item not in too_long))
        if too_long:
            lost = Long(part.name, part.split, len(too_long), len(part.items), room, rules[part.name])
            found.append(lost)
        if part.items and not kept.items:
            raise SliceError(f"{lost}; none is left: lower num_fewshot or engine.max_tokens")
        fitted.append(kept)
    return Fitted(tuple(fitted), tuple(found))


def _room(part: Slice, reader: Reader) -> int:
    """Tokens of a prompt, or of a prompt with its continuation, whose last token is only predicted."""
    return reader.context - part.max_tokens if part.scoring == "generate" else reader.context + 1


def _too_long(part: Slice, reader: Reader, room: int) -> list[Item]:
    if room < 1:  # no prompt fits, which is for the engine to say
        return []
    if part.scoring == "generate":
        lengths = reader.lengths([item.prompt for item in part.items])
    else:
        lengths = [_longest(item, part, reader) for item in part.items]
    return [item for item, length in zip(part.items, lengths, strict=True) if length > room]


def _longest(item: Item, part: Slice, reader: Reader) -> int:
    texts = item.choices if part.scoring == "choices" else (item.gold,)
    pairs = encode_pairs(reader.tokenizer, [(item.prompt, text) for text in texts])
    return max(len(pair.context) + len(pair.continuation) for pair in pairs)
