"""Edit distances between tokens, in bytes, by rapidfuzz (C++)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from merging.fusion.alignment.encoded import Ints, Places

_AT_ONCE = 1 << 23
"""Distances held at a time."""
_FAR = 1 << 30


def nearest(queries: Sequence[bytes], choices: Mapping[int, bytes]) -> Ints:
    """[queries] the key of the choice of least edit distance, the lowest of several; -1: no byte is shared.

    Choices are met in the order of their difference in length, below which no distance can fall: most queries
    see few of them.
    """
    found = np.full(len(queries), -1, np.int32)
    lengths = np.fromiter(map(len, queries), np.int64, len(queries))
    buckets = _by_length(choices)
    for length in np.unique(lengths):
        group = np.flatnonzero(lengths == length)
        found[group] = _nearest([queries[int(i)] for i in group], int(length), buckets)
    return found


def distances(pairs: Sequence[tuple[bytes, bytes]]) -> NDArray[np.int64]:
    """[pairs] edit distances."""
    from rapidfuzz.distance import Levenshtein

    return np.fromiter((Levenshtein.distance(a, b) for a, b in pairs), np.int64, len(pairs))


_Bucket = tuple[NDArray[np.int32], list[str]]


def _by_length(choices: Mapping[int, bytes]) -> dict[int, _Bucket]:
    keys: dict[int, list[int]] = {}
    for key in sorted(choices):
        keys.setdefault(len(choices[key]), []).append(key)
    return {
        length: (np.array(each, np.int32), [choices[key].decode("latin-1") for key in each])
        for length, each in keys.items()
    }


def _nearest(queries: Sequence[bytes], length: int, buckets: Mapping[int, _Bucket]) -> Ints:
    """For queries of one length. A distance as long as the longer of both shares nothing, and is no find."""
    best = np.full(len(queries), _FAR, np.int64)
    found = np.full(len(queries), -1, np.int32)
    for other in sorted(buckets, key=lambda each: (abs(each - length), each)):
        keys, texts = buckets[other]
        longest = max(length, other)
        waiting = np.flatnonzero(best >= abs(other - length))
        for at in np.array_split(waiting, max(1, len(waiting) * len(texts) // _AT_ONCE)):
            distance, place = _least([queries[i] for i in at], texts, min(best[at].max(initial=0), longest))
            better = (distance < longest) & (
                (distance < best[at]) | ((distance == best[at]) & (keys[place] < found[at]))
            )
            best[at[better]], found[at[better]] = distance[better], keys[place][better]
    return found


def _least(queries: Sequence[bytes], texts: Sequence[str], cutoff: int) -> tuple[Places, Places]:
    """[queries] the least distance to any of the texts, and the first text that has it; more than the
    cutoff where none is within it."""
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    spelled = [query.decode("latin-1") for query in queries]
    table = process.cdist(
        spelled, texts, scorer=Levenshtein.distance, score_cutoff=int(cutoff), dtype=np.uint16
    )
    place = table.argmin(axis=1) if spelled else np.zeros(0, np.int64)
    return table[np.arange(len(spelled)), place].astype(np.int64), place
