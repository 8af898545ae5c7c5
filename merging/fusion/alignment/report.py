"""Whether two models can be fused: how much of a corpus lies in spans that both tokenizers share."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from merging.fusion.alignment.encoded import Flags
from merging.fusion.alignment.spans import Spans, align
from merging.fusion.alignment.vocabulary import Vocabulary

FLOOR = 0.9
"""Below this share of aligned characters a pair is not fused."""
_BATCH = 512


@dataclass(frozen=True)
class Report:
    """What aligning two tokenizers over texts came to. Spans are counted where they are aligned."""

    texts: int
    characters: int
    tokens: tuple[int, int]
    aligned: int
    """Characters in aligned spans."""
    exact: int
    """Of these: in spans whose bytes are the text's on both sides."""
    unknown: int
    """Characters in spans that a tokenizer has no token for, or that it drops at the end of a text."""
    one_to_one: int
    one_to_many: int
    many_to_one: int
    many_to_many: int
    seconds: float

    @property
    def coverage(self) -> float:
        """Share of characters in aligned spans; 1 where there is no text."""
        return _share(self.aligned, self.characters)

    @property
    def too_long(self) -> int:
        """Characters in spans with too many tokens on both sides."""
        return self.characters - self.aligned - self.unknown

    def to_json(self) -> dict[str, Any]:
        """As `crucible align --json` prints it."""
        return {
            "characters": self.characters,
            "coverage": self.coverage,
            "one_to_one": self.one_to_one,
            "one_to_many": self.one_to_many,
            "many_to_one": self.many_to_one,
            "many_to_many": self.many_to_many,
            "seconds": self.seconds,
            "exact": _share(self.exact, self.characters),
            "unknown": self.unknown / max(1, self.characters),
            "too_long": self.too_long / max(1, self.characters),
            "texts": self.texts,
            "tokens": list(self.tokens),
        }


def survey(a: Vocabulary, b: Vocabulary, texts: Sequence[str]) -> Report:
    """Align every text under both tokenizers and count; the seconds are those of encoding and aligning."""
    began = time.perf_counter()
    total = np.zeros(9, np.int64)
    for start in range(0, len(texts), _BATCH):
        some = texts[start : start + _BATCH]
        for text, x, y in zip(some, a.encode_many(some), b.encode_many(some), strict=True):
            total += (len(x), len(y), *_tally(text, align(x, y)))
    ours, theirs, aligned, exact, unknown, *kinds = map(int, total)
    one_to_one, one_to_many, many_to_one, many_to_many = kinds
    return Report(
        texts=len(texts),
        characters=sum(map(len, texts)),
        tokens=(ours, theirs),
        aligned=aligned,
        exact=exact,
        unknown=unknown,
        one_to_one=one_to_one,
        one_to_many=one_to_many,
        many_to_one=many_to_one,
        many_to_many=many_to_many,
        seconds=time.perf_counter() - began,
    )


def _tally(text: str, spans: Spans) -> tuple[int, ...]:
    """Characters aligned, exact and unknown, then aligned spans by kind."""
    known = _characters(text, spans, spans.known)
    aligned = _characters(text, spans, spans.aligned)
    exact = _characters(text, spans, spans.aligned & spans.exact)
    several = spans.sizes[spans.aligned] > 1
    kinds = np.bincount(several[:, 0] * 2 + several[:, 1], minlength=4)
    return aligned, exact, len(text) - known, *map(int, kinds)


def _characters(text: str, spans: Spans, chosen: Flags) -> int:
    """Characters of the text all of whose bytes lie in chosen spans."""
    data = np.frombuffer(text.encode(), np.uint8)
    if not len(data) or not len(spans):
        return 0
    covered = np.zeros(len(data), np.bool_)
    widths = spans.text[:, 1] - spans.text[:, 0]
    covered[: spans.text[-1, 1]] = np.repeat(chosen, widths)
    whole = np.logical_and.reduceat(covered, np.flatnonzero((data & 0xC0) != 0x80))
    return int(np.count_nonzero(whole))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
