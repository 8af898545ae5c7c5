"""A source's distributions over its own tokens, carried to the target's: same text, other tokens.

Both sides read the same bytes, so the target's row at byte x is what the source says at byte x: of its next
token where one begins there; inside a token, of those candidates that begin with the bytes that have come.
Each candidate's mass goes to one token of the target's, and what goes to none is the tail. What really came
is known exactly: its mass goes to the target's token that came, as far as the source's own path covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from merging.fusion.alignment.spans import Spans
from merging.fusion.distributions.data import Carried, Top
from merging.fusion.distributions.mapping import Mapping
from merging.fusion.distributions.view import Bools, Floats, Ints, Places, View
from merging.fusion.exchange import Exchange

_BLOCK = 512
"""Rows whose candidates are worked on at a time, so that the work takes less memory than what comes of it."""


def carry(top: Top, source: Exchange, target: Exchange, spans: Spans, mapping: Mapping) -> Carried:
    """What the source says of the target's kept response tokens; `spans` align the two responses.

    In every row the probabilities and the tail sum to 1. `gold` of the tokens of a span sums to the source's
    log-probability of the span. Unknown are rows outside spans that count as aligned, beyond what the source
    has read, and inside a source's token where the mapping does not know its bytes.
    """
    view = View(source, target, spans, mapping, len(top.gold))
    blocks = [slice(i, i + _BLOCK) for i in range(0, view.count, _BLOCK)]
    listed = np.concatenate([_Block(top, view, rows).listed for rows in blocks])
    path = _Path.along(top, view, listed)
    parts = [_Block(top, view, rows).merged(path) for rows in blocks]
    ids, logprobs, tail = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Carried(
        ids=ids,
        logprobs=logprobs,
        tail=tail,
        known=view.known,
        gold=np.where(view.covered, path.end - path.start, np.nan).astype(np.float32),
        chunk_end=view.chunk_end(),
        chunk_logprob=view.chunk_logprob(path.tokens),
        logprob=float(path.tokens[-1]),
        nbytes=view.nbytes,
    )


@dataclass(frozen=True, eq=False)
class _Path:
    """Log-probabilities of the text that came: up to each token of the source's, and of the target's [n]."""

    tokens: Floats
    """[source's tokens + 1]."""
    start: Floats
    end: Floats

    @classmethod
    def along(cls, top: Top, view: View, listed: Floats) -> _Path:
        """`listed` [n] is the mass of what has begun as it did, where one of the target's tokens begins.

        Inside a token whose bytes are not known, all of it has come with its first byte.
        """
        tokens = np.concatenate([[0.0], np.cumsum(top.gold, dtype=np.float64)])
        start = tokens[view.row] + np.log(listed)
        start = np.where(view.readable, start, tokens[view.row + 1])
        start[view.chunks[:, 2]] = tokens[view.chunks[:, 0]]
        end = np.append(start[1:], tokens[-1])
        end[view.chunks[:, 3] - 1] = tokens[view.chunks[:, 1]]
        return cls(tokens, start, end)


@dataclass(frozen=True, eq=False)
class _Block:
    """Candidates and their masses in some of the target's rows: k a row, and what came."""

    top: Top
    view: View
    rows: slice

    @cached_property
    def row(self) -> Places:
        """[rows]: the source's."""
        return self.view.row[self.rows]

    @cached_property
    def came(self) -> Ints:
        """[rows]: the source's token that came."""
        return self.view.source.response.ids[self.row]

    @cached_property
    def own(self) -> Bools:
        """[rows, k]: the candidate that came."""
        found: Bools = self.top.ids[self.row] == self.came[:, None]
        return found

    @cached_property
    def candidates(self) -> Ints:
        """[rows, k]: the others, -1 for ids that are no tokens."""
        ids = self.top.ids[self.row]
        return np.where(self.own | (ids >= self.view.mapping.size), np.int32(-1), ids)

    @cached_property
    def heads(self) -> Bools:
        """[rows, k]: candidates that begin as what came does."""
        return self.view.mapping.heads(self.came, self.view.depth[self.rows], self.candidates)

    @cached_property
    def masses(self) -> Floats:
        """[rows, k]: of the other candidates that may still come, before they are divided by `whole`."""
        may = (self.heads | self.view.begins[self.rows, None]) & ~self.own
        return np.where(may, np.exp(self.top.logprobs[self.row], dtype=np.float64), 0.0)

    @cached_property
    def mass(self) -> Floats:
        """[rows]: of what came."""
        return np.exp(self.top.gold[self.row], dtype=np.float64)

    @cached_property
    def listed(self) -> Floats:
        """[rows]: the mass of what has a name and may still come: 1 where a token of the source's begins."""
        inside = np.maximum(self.masses.sum(axis=1) + self.mass, np.finfo(np.float64).tiny)
        return np.where(self.view.begins[self.rows], 1.0, inside)

    @cached_property
    def whole(self) -> Floats:
        """[rows]: the mass of all that may still come: 1 where a token of the source's begins."""
        return np.where(self.view.begins[self.rows], 1.0, self.listed + self.left)

    @cached_property
    def left(self) -> Floats:
        """[rows]: the mass of what the source has kept no token of, nor what came.

        Inside a token all of it counts as still to come. None of it would make the source certain wherever
        it kept one candidate alone, and a temperature multiplies such certainty.
        """
        came = np.where(self.own.any(axis=1), 0.0, self.mass)
        left: Floats = np.maximum(np.exp(self.top.tail[self.row], dtype=np.float64) - came, 0.0)
        return left

    @property
    def tail(self) -> Floats:
        """[rows]: the share of that in all that may still come."""
        return self.left / self.whole

    def merged(self, path: _Path) -> tuple[Ints, NDArray[np.float32], NDArray[np.float32]]:
        """Ids and log-probabilities [rows, k + 1], and tail [rows]; each token once a row."""
        view, rows = self.view, self.rows
        known, depth = view.known[rows], np.where(self.heads, view.depth[rows, None], 0)
        following = view.mapping.next(self.candidates, depth)
        came = view.target.response.ids[: view.count][rows]
        further = np.minimum(path.end[rows] - path.tokens[self.row + 1], 0.0)
        further = np.where(view.crosses[rows], further, 0.0)
        ids = np.where(known[:, None], np.column_stack([following, came]), np.int32(-1))
        mass = self.mass / self.whole
        masses = np.column_stack([self.masses / self.whole[:, None], mass * np.exp(further)])
        lost = np.where(ids < 0, masses, 0.0).sum(axis=1) - mass * np.expm1(further) + self.tail
        with np.errstate(divide="ignore"):
            tail = np.where(known, np.log(lost), 0.0).astype(np.float32)
        return *_summed(ids, masses), tail


def _summed(ids: Ints, masses: Floats) -> tuple[Ints, NDArray[np.float32]]:
    """Each row's ids once, likeliest first, with their log-probabilities; -1 and -inf where none is."""
    rows, width = ids.shape
    order = np.argsort(ids, axis=1, kind="stable")
    ids, masses = np.take_along_axis(ids, order, axis=1), np.take_along_axis(masses, order, axis=1)
    new = np.diff(ids, axis=1, prepend=np.int32(-2)) != 0
    slot = (np.cumsum(new, axis=1) - 1) + width * np.arange(rows)[:, None]
    total = np.bincount(slot.ravel(), weights=masses.ravel(), minlength=rows * width).reshape(rows, width)
    found = np.full(rows * width, -1, np.int32)
    found[slot.ravel()] = ids.ravel()
    found = found.reshape(rows, width)
    total = np.where((found >= 0) & (total > 0), total, 0.0)
    order = np.argsort(-total, axis=1, kind="stable")
    found, total = np.take_along_axis(found, order, axis=1), np.take_along_axis(total, order, axis=1)
    with np.errstate(divide="ignore"):
        logprobs = np.log(total).astype(np.float32)
    return np.where(total > 0, found, np.int32(-1)), logprobs
