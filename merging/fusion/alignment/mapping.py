"""Which id is which: for every token of one model the token of another that stands for it, or none.

Only for methods that carry whole distributions across; spans need no such map.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from merging.fusion.alignment.counts import Counts
from merging.fusion.alignment.encoded import Ints
from merging.fusion.alignment.nearest import distances, nearest
from merging.fusion.alignment.roles import ROLES
from merging.fusion.alignment.vocabulary import Vocabulary

WAYS = ("exact", "edit", "statistics")


def id_map(
    a: Vocabulary,
    b: Vocabulary,
    counts: Counts | None = None,
    by: str = "exact",
    roles: Sequence[str] = ROLES,
) -> Ints:
    """int32 [a.size]: the id in `b` for each id of `a`, -1 where there is none.

    Always first: special tokens by role, in the order of `roles`, then by spelling; others by equal bytes.
    exact: nothing more. edit: for the rest the token of least edit distance, in bytes, the lowest id of
    several; none where it shares no byte. statistics: the one that most often begins where the token begins.
    With `counts`, edit looks only at tokens that occur in them; statistics needs them.
    """
    assert by in WAYS, by
    found = _equal(a, b)
    for ours, theirs in _paired(a, b, roles).items():
        found[ours] = theirs
    if by == "edit":
        rest = _rest(a, found, None if counts is None else np.unique(counts.a))
        found[rest] = nearest([a.pieces[i] or b"" for i in rest], _choices(b))
    if by == "statistics":
        assert counts is not None, "mapping statistics are made of counts"
        _fill_in(found, a, b, counts)
    return found


def _equal(a: Vocabulary, b: Vocabulary) -> Ints:
    """By bytes; of several tokens with the same bytes the one with the same spelling, else no byte token."""
    order = sorted(range(b.size), key=lambda i: (i not in b.spare, -i))  # what comes later wins
    by_bytes = {b.pieces[i]: i for i in order if b.pieces[i] is not None}
    by_spelling = {(b.tokens[i], b.pieces[i]): i for i in order if b.tokens[i] is not None}
    pairs = zip(a.tokens, a.pieces, strict=True)
    return np.array(
        [
            -1 if token is None else by_spelling.get((token, piece), by_bytes.get(piece, -1))
            for token, piece in pairs
        ],
        np.int32,
    ).reshape(a.size)


def _paired(a: Vocabulary, b: Vocabulary, roles: Sequence[str]) -> dict[int, int]:
    """Special tokens of equal roles; a token of several is paired by the first of them."""
    return {a.roles[role]: b.roles[role] for role in reversed(roles) if role in a.roles and role in b.roles}


def _rest(a: Vocabulary, found: Ints, occurring: Ints | None) -> Ints:
    """Tokens of text that have no counterpart yet."""
    real = np.fromiter((bool(piece) for piece in a.pieces), np.bool_, a.size)
    wanted = np.ones(a.size, np.bool_) if occurring is None else np.isin(np.arange(a.size), occurring)
    return np.flatnonzero((found < 0) & real & wanted).astype(np.int32)


def _choices(b: Vocabulary) -> dict[int, bytes]:
    return {i: piece for i, piece in enumerate(b.pieces) if piece and i not in b.spare}


def _fill_in(found: Ints, a: Vocabulary, b: Vocabulary, counts: Counts) -> None:
    """The most frequent partner of each token that has none; of several the nearest, then the lowest id.

    FuseChat multiplies the distance by sigmoid(count), so that there a frequent partner costs more.
    """
    open_ = found[counts.a] < 0
    ours, theirs, n = counts.a[open_], counts.b[open_], counts.n[open_]
    spelled = [(a.pieces[i] or b"", b.pieces[j] or b"") for i, j in zip(ours, theirs, strict=True)]
    order = np.lexsort((theirs, distances(spelled), -n, ours))
    first = order[np.append(True, ours[order][1:] != ours[order][:-1])[: len(order)]]
    found[ours[first]] = theirs[first]
