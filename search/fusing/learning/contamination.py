"""Training data kept apart from what judges: a model that learnt its items would prove nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluators.benchmarks.items import Item
from evaluators.benchmarks.slices import Slice
from search.errors import SearchError
from search.fusing.learning.data import Data

CONTAINED = 8
"""Words that a question must have to be looked for within a longer instruction; others must be equal."""
SHOWN = 5
"""Lines that an error names."""
_WORD = re.compile(r"\w+|[^\w\s]")
Words = tuple[str, ...]


def check_apart(data: Data, slices: Sequence[Slice]) -> None:
    """Refuse data that holds items of the slices, those that steer as well as those that judge.

    A row holds an item if its instruction is the item's prompt or question, or contains a question of some
    length; letters' case and white space do not count.

    Raises:
        SearchError: how many rows, on which lines, of which slices.
    """
    known = _index(slices)
    found = (known.within(_words(row.instruction)) for row in data.rows)
    hits = [(place, part) for place, part in zip(data.places, found, strict=True) if part is not None]
    if not hits:
        return
    lines = ", ".join(place for place, _ in hits[:SHOWN])
    more = f" and {len(hits) - SHOWN} more" if len(hits) > SHOWN else ""
    names = ", ".join(sorted({part for _, part in hits}))
    raise SearchError(
        f"data: {len(hits)} of {len(data.rows)} rows hold evaluation items of {names} ({lines}{more}); take"
        " them out: what is learnt can judge nothing"
    )


@dataclass(frozen=True)
class _Items:
    """What the slices ask: texts as words, and the slice of each."""

    whole: dict[Words, str]
    begins: dict[Words, list[tuple[Words, str]]]
    """Long questions by their first words."""

    def within(self, words: Words) -> str | None:
        """The slice of an item that these words are, or contain."""
        if words in self.whole:
            return self.whole[words]
        for start in range(len(words) - CONTAINED + 1):
            for question, part in self.begins.get(words[start : start + CONTAINED], ()):
                if words[start : start + len(question)] == question:
                    return part
        return None


def _index(slices: Sequence[Slice]) -> _Items:
    found = _Items({}, {})
    for part in slices:
        for item in part.items:
            found.whole.setdefault(_words(item.prompt), part.name)
            for question in _questions(item):
                found.whole.setdefault(question, part.name)
                if len(question) >= CONTAINED:
                    found.begins.setdefault(question[:CONTAINED], []).append((question, part.name))
    return found


def _questions(item: Item) -> Iterator[Words]:
    """The texts of an item that its prompt shows: the question itself, without examples around it."""
    for value in item.doc.values():
        if isinstance(value, str) and len(value) > 1 and value.strip() in item.prompt:
            words = _words(value)
            if len(words) > 1:
                yield words


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.lower()))
