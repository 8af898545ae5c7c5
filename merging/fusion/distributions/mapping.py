"""Which of the target's tokens a source's candidate stands for: by a table of ids, or by its bytes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from merging.fusion.alignment.roles import ROLES
from merging.fusion.alignment.vocabulary import Vocabulary

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
_DEEPEST = 1 << 20
"""More bytes than any token has."""


class Mapping(Protocol):
    """Candidates of one vocabulary as tokens of another."""

    @property
    def inside(self) -> bool:
        """Whether it also says what comes after the first bytes of a candidate."""
        ...

    @property
    def size(self) -> int:
        """Ids from here on are no tokens of the source's."""
        ...

    def heads(self, gold: Ints, depth: Ints, candidates: Ints) -> Bools:
        """Which candidates [n, k] begin with the first `depth` [n] bytes of their row's `gold` [n]."""
        ...

    def next(self, candidates: Ints, depth: Ints) -> Ints:
        """The target's token after the first `depth` [n, k] bytes of candidates [n, k]; -1 where none is."""
        ...

    def length(self, ids: Ints) -> Ints:
        """Bytes that each source token stands for; -1 for those that stand for no text."""
        ...


@dataclass(frozen=True, eq=False)
class IdMap:
    """A table int32 [source's size] of the target's ids, -1 where there is none; it knows whole tokens only.

    `end` pairs the tokens that end a response, the source's and the target's.
    """

    ids: Ints
    end: tuple[int, int] | None = None
    inside = False

    @property
    def size(self) -> int:
        """The table's length."""
        return len(self.ids)

    def heads(self, gold: Ints, depth: Ints, candidates: Ints) -> Bools:
        """Every candidate at depth 0, none below."""
        return np.broadcast_to((depth == 0)[:, None], candidates.shape)

    def next(self, candidates: Ints, depth: Ints) -> Ints:
        """The token in the table."""
        return np.where(candidates >= 0, self._table[candidates], np.int32(-1))

    def length(self, ids: Ints) -> Ints:
        """Unknown: a table has no bytes."""
        return np.full(len(ids), -1, np.int32)

    @cached_property
    def _table(self) -> Ints:
        return _with_end(self.ids, self.end)


@dataclass(frozen=True, eq=False)
class ByteMap:
    """Candidates by the bytes that they stand for: the target's longest token that they go on with.

    So every candidate counts for one token of the target's, and probabilities stay what they are. Tokens
    without bytes are paired by their role; `end` pairs those that end a response.
    """

    source: Vocabulary
    target: Vocabulary
    end: tuple[int, int] | None = None
    known: dict[int, int] = field(default_factory=dict)
    """What has been looked up: candidate and depth to the target's token."""
    inside = True

    @property
    def size(self) -> int:
        """The source's vocabulary's."""
        return self.source.size

    def heads(self, gold: Ints, depth: Ints, candidates: Ints) -> Bools:
        """By their rank among the source's tokens: those that share a beginning stand together."""
        keys, place = np.unique(gold.astype(np.int64) * _DEEPEST + depth, return_inverse=True)
        ranges = np.array([self._range(*divmod(int(key), _DEEPEST)) for key in keys], np.int32).reshape(-1, 2)
        low, high = ranges[place].T
        rank = np.where(candidates >= 0, self._ranks[candidates], np.int32(-1))
        found: Bools = (depth == 0)[:, None] | ((rank >= low[:, None]) & (rank < high[:, None]))
        return found

    def next(self, candidates: Ints, depth: Ints) -> Ints:
        """The target's longest token at the beginning of what is left of a candidate."""
        keys, place = np.unique(
            np.where(candidates >= 0, candidates, -1).astype(np.int64) * _DEEPEST + depth, return_inverse=True
        )
        found = np.array([self._look_up(int(key)) for key in keys], np.int32)
        return found[place].reshape(candidates.shape)

    def length(self, ids: Ints) -> Ints:
        """Bytes of each token."""
        return self._lengths[ids]

    def _range(self, token: int, depth: int) -> tuple[int, int]:
        """The ranks of tokens that begin as this one does."""
        piece = self.source.pieces[token]
        if piece is None or depth == 0:
            return 0, 0
        head = piece[:depth]
        low = bisect_left(self._sorted, head)
        return low, bisect_right(self._sorted, head, lo=low, key=lambda other: other[:depth])

    def _look_up(self, key: int) -> int:
        if key not in self.known:
            token, depth = divmod(key, _DEEPEST)
            self.known[key] = -1 if token < 0 else self._find(token, depth)
        return self.known[key]

    def _find(self, token: int, depth: int) -> int:
        piece = self.source.pieces[token]
        if piece is None:
            return int(self._special[token]) if depth == 0 else -1
        if depth == 0 and token < self.target.size and self.target.pieces[token] == piece:
            return token  # among several of the same bytes
        rest = piece[depth : depth + self._longest]
        return next((i for n in range(len(rest), 0, -1) if (i := self._ids.get(rest[:n])) is not None), -1)

    @cached_property
    def _sorted(self) -> list[bytes]:
        return sorted(piece for piece in self.source.pieces if piece is not None)

    @cached_property
    def _ranks(self) -> Ints:
        """Of each token among those that stand for text; -1 for the others."""
        texts = [i for i, piece in enumerate(self.source.pieces) if piece is not None]
        ranks = np.full(len(self.source.pieces), -1, np.int32)
        ranks[sorted(texts, key=lambda i: self.source.pieces[i] or b"")] = np.arange(len(texts))
        return ranks

    @cached_property
    def _lengths(self) -> Ints:
        return np.array([-1 if piece is None else len(piece) for piece in self.source.pieces], np.int32)

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        """The target's tokens by their bytes; of several with the same, the first that is not spare."""
        pieces, spare = self.target.pieces, self.target.spare
        order = sorted(range(len(pieces)), key=lambda i: (i not in spare, -i))
        return {piece: i for i in order if (piece := pieces[i])}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._ids), default=0)

    @cached_property
    def _special(self) -> Ints:
        table = np.full(len(self.source.pieces), -1, np.int32)
        for role in reversed(ROLES):
            if role in self.source.roles and role in self.target.roles:
                table[self.source.roles[role]] = self.target.roles[role]
        return _with_end(table, self.end)


def _with_end(table: Ints, end: tuple[int, int] | None) -> Ints:
    if end is None:
        return table
    table = table.copy()
    table[end[0]] = end[1]
    return table
