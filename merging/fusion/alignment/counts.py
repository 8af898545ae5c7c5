"""Mapping statistics: how often a token of one model begins where a token of the other begins, over a corpus.

FuseChat counts every pair that its alignment puts together, middles of words too. A distribution says what
begins next, so only tokens that begin at the same byte are counted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from merging.fusion.alignment.encoded import Encoded, Ints, Places


@dataclass(frozen=True)
class Counts:
    """Sparse: pair i of ids `a[i]`, `b[i]` was seen `n[i]` times; sorted by a, then b, each pair once."""

    a: Ints
    b: Ints
    n: Places

    def __len__(self) -> int:
        return len(self.n)

    def __add__(self, other: Counts) -> Counts:
        return _tallied(
            np.concatenate([self.a, other.a]),
            np.concatenate([self.b, other.b]),
            np.concatenate([self.n, other.n]),
        )


def count(pairs: Iterable[tuple[Encoded, Encoded]], batch: int = 512) -> Counts:
    """Count over pairs of the same text under two tokenizers; memory is bounded by the pairs that differ."""
    found = Counts(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64))
    waiting: list[tuple[Encoded, Encoded]] = []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == batch:
            found, waiting = found + _count(waiting), []
    return found + _count(waiting) if waiting else found


def _count(pairs: Sequence[tuple[Encoded, Encoded]]) -> Counts:
    bases = np.cumsum([0, *(a.nbytes for a, _ in pairs)])
    ours, ids_a = _starts([a for a, _ in pairs], bases)
    theirs, ids_b = _starts([b for _, b in pairs], bases)
    _, at_a, at_b = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    return _tallied(ids_a[at_a], ids_b[at_b], np.ones(len(at_a), np.int64))


def _starts(texts: Sequence[Encoded], bases: Places) -> tuple[Places, Ints]:
    """Where known tokens begin, as if the texts were one, and their ids; tokens of no bytes begin nowhere."""
    ends = np.concatenate([text.ends + base for text, base in zip(texts, bases, strict=False)])
    firsts = np.cumsum([0, *(len(text) for text in texts)])[:-1]
    starts = np.append(0, ends[:-1])[: len(ends)]
    within = firsts < len(ends)
    starts[firsts[within]] = bases[:-1][within]
    used = np.concatenate([text.known for text in texts]) & (starts < ends)
    return starts[used], np.concatenate([text.ids for text in texts])[used]


def _tallied(a: Ints, b: Ints, n: Places) -> Counts:
    keys, place = np.unique(a.astype(np.int64) << 32 | b, return_inverse=True)
    total = np.bincount(place, weights=n, minlength=len(keys)).astype(np.int64)
    return Counts((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32), total)
