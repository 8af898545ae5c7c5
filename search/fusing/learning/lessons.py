"""What a target is taught: rows of the data with what sources say of them, carried to the target's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np

from merging.fusion.alignment.counts import count
from merging.fusion.alignment.mapping import id_map
from merging.fusion.distributions.carry import carry
from merging.fusion.distributions.data import Carried
from merging.fusion.distributions.mapping import ByteMap, IdMap, Mapping
from merging.fusion.distributions.shards import Extracted
from merging.fusion.training.example import Example
from merging.fusion.training.functions import parts
from search.fusing.learning.data import Data
from search.fusing.learning.readings import Reading, spans_between
from search.study_file.fusion import TokenMapping

KEPT = 1 << 29
"""Bytes of examples that are kept in memory; more are made anew each time they are asked for."""
_ROW = 64
"""Bytes of a response token in an example, beside 12 for each of the tokens that a teacher names."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one source says of all rows, and how that becomes the target's tokens."""

    reading: Reading
    said: Extracted
    mapping: Mapping


@dataclass(frozen=True, eq=False)
class Lessons(Sequence[Example]):
    """The examples of one training; `own` is what the unfused target says, where it competes."""

    data: Data
    target: Reading
    sources: tuple[Lesson, ...]
    own: Lesson | None = None
    raw: bool = False
    """Whether sources' own tokens are compared, unaligned."""
    kept: dict[int, Example] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.data.rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        if row not in self.kept:
            made = self._make(row)
            if not self.small:
                return made
            self.kept[row] = made
        return self.kept[row]

    @cached_property
    def small(self) -> bool:
        """Whether all examples fit into the memory that is for them."""
        tokens = sum(each.kept for each in self.target.exchanges)
        width = sum(_ROW + 12 * lesson.said.manifest.k for lesson in (*self.sources, self.own) if lesson)
        return tokens * width <= KEPT

    def _make(self, row: int) -> Example:
        exchange = self.target.exchanges[row]
        return Example(
            ids=exchange.ids,
            start=len(exchange.prompt),
            slice=self.data.rows[row].slice,
            carried=() if self.raw else tuple(self._carried(source, row) for source in self.sources),
            own=None if self.own is None else self._carried(self.own, row),
            raw=tuple(source.said[row] for source in self.sources) if self.raw else (),
        )

    def _carried(self, lesson: Lesson, row: int) -> Carried:
        spans = spans_between(lesson.reading, self.target, row)
        source, target = lesson.reading.exchanges[row], self.target.exchanges[row]
        return carry(lesson.said[row], source, target, spans, lesson.mapping)


def mapping_between(source: Reading, target: Reading, by: TokenMapping) -> Mapping:
    """How a source's tokens become the target's; one and the same tokenizer's are themselves."""
    end = (source.end, target.end)
    if source.vocabulary.digest == target.vocabulary.digest:
        return IdMap(np.arange(source.vocabulary.size, dtype=np.int32), end)
    if by == "bytes":
        return ByteMap(source.vocabulary, target.vocabulary, end)
    counts = None
    if by == "statistics":
        texts = zip(source.exchanges, target.exchanges, strict=True)
        counts = count((ours.response, theirs.response) for ours, theirs in texts)
    return IdMap(id_map(source.vocabulary, target.vocabulary, counts, by), end)


def competes(function: str) -> bool:
    """Whether the unfused target's own distribution has a part in what is taught."""
    return parts(function).distributions is not None
