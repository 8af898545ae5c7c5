"""A text as tokens, and where in the text each of them ends.

Positions are bytes of the text's UTF-8, so that tokens which split a character have positions, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Offsets = Callable[[], Sequence[tuple[int, int]]]
"""Where the tokenizer itself says its tokens lie, first and last characters; asked where bytes do not say."""

_SPACE = 0x20
_WHITE = np.frombuffer(b" \t\n\r\v\f", np.uint8)


@dataclass(frozen=True)
class Encoded:
    """Tokens of one text, without special tokens, unless the last was appended by `closed`.

    ids int32 [n]; ends int64 [n]: the byte at which each token ends, never falling; nbytes: the text's.
    """

    ids: Ints
    ends: Places
    nbytes: int
    known: Flags
    """[n]: the token stands for its text; False for unknown text and for special tokens' spellings."""
    exact: Flags
    """[n]: the token's bytes are the text's, from the end before it to its own (less a space in front)."""

    def __len__(self) -> int:
        return len(self.ids)

    def closed(self, token: int) -> Encoded:
        """With one more token, such as an end of turn; it counts as one byte after the text's last.

        So aligned texts that are both closed have a last span of their own: one token on each side.
        """
        return Encoded(
            np.append(self.ids, np.int32(token)),
            np.append(self.ends, np.int64(self.nbytes + 1)),
            self.nbytes + 1,
            np.append(self.known, True),
            np.append(self.exact, True),
        )


@dataclass(frozen=True)
class Pieces:
    """Every token's bytes in one row, to be gathered by arrays of ids."""

    flat: NDArray[np.uint8]
    starts: Places
    lengths: Places
    real: Flags
    """Whether a token stands for text at all."""

    @classmethod
    def of(cls, pieces: Sequence[bytes | None]) -> Pieces:
        """Lay out pieces by id; None stands for no text."""
        lengths = np.fromiter((len(piece or b"") for piece in pieces), np.int64, len(pieces))
        flat = np.frombuffer(b"".join(piece or b"" for piece in pieces), np.uint8)
        real = np.fromiter((piece is not None for piece in pieces), np.bool_, len(pieces))
        return cls(flat, np.cumsum(lengths) - lengths, lengths, real)

    def spell(self, ids: Ints) -> NDArray[np.uint8]:
        """The tokens' bytes, one after another."""
        lengths = self.lengths[ids]
        before = np.cumsum(lengths) - lengths
        at = np.repeat(self.starts[ids] - before, lengths) + np.arange(int(lengths.sum()))
        found: NDArray[np.uint8] = self.flat[at]
        return found


def place(pieces: Pieces, ids: Ints, text: str, offsets: Offsets | None) -> Encoded:
    """Find each token in a text: by running lengths where the tokens' bytes are the text's, else by offsets.

    Without offsets, tokens that are not the text's bytes are nowhere: one stretch of unknown text.
    """
    data = np.frombuffer(text.encode(), np.uint8)
    spelled = pieces.spell(ids)
    added = _added_space(spelled, data)
    if pieces.real[ids].all() and np.array_equal(spelled[added:], data):
        ends = np.cumsum(pieces.lengths[ids]) - added
        every = np.ones(len(ids), np.bool_)
        return Encoded(ids, ends, len(data), every, every)
    if offsets is None:
        none = np.zeros(len(ids), np.bool_)
        return Encoded(ids, np.full(len(ids), len(data), np.int64), len(data), none, none)
    return _Groups(pieces, ids, data, _byte_offsets(data, offsets())).placed()


def _added_space(spelled: NDArray[np.uint8], data: NDArray[np.uint8]) -> int:
    """1 where a tokenizer put a space before the text, as sentencepiece does."""
    return int(len(spelled) == len(data) + 1 and spelled[0] == _SPACE)


def _byte_offsets(data: NDArray[np.uint8], offsets: Sequence[tuple[int, int]]) -> Places:
    """[n, 2] bytes, from characters."""
    characters = np.flatnonzero((data & 0xC0) != 0x80)
    places = np.append(characters, len(data)).astype(np.int64)
    found: Places = places[np.asarray(offsets, np.int64).reshape(-1, 2)]
    return found


@dataclass(frozen=True)
class _Groups:
    """Tokens of a text that is not spelled by them throughout, in groups that share no character."""

    pieces: Pieces
    ids: Ints
    data: NDArray[np.uint8]
    offsets: Places

    @cached_property
    def last(self) -> Places:
        """[n] where each token ends by the offsets, at the latest.

        What no token covers belongs to the token after it where it is white space, as in most vocabularies;
        else to the token before it, as an accent that was composed with its letter.
        """
        found: Places = self.offsets[:, 1].copy()
        np.maximum.accumulate(found, out=found)
        gaps = np.flatnonzero(found[:-1] < self.offsets[1:, 0])
        gaps = gaps[~np.isin(self.data[found[gaps]], _WHITE)]
        found[gaps] = self.offsets[gaps + 1, 0]
        return found

    @cached_property
    def firsts(self) -> Places:
        """[g] the first token of each group: it starts where, or after, all those before it end."""
        cut = self.offsets[1:, 0] >= self.last[:-1]
        return np.flatnonzero(np.concatenate([np.ones(min(1, len(self.ids)), np.bool_), cut]))

    def placed(self) -> Encoded:
        """Running lengths within groups whose bytes are the text's; elsewhere what the offsets say."""
        if not len(self.ids):
            nothing = np.zeros(0, np.bool_)
            return Encoded(self.ids, np.zeros(0, np.int64), len(self.data), nothing, nothing)
        sizes = np.diff(np.append(self.firsts, len(self.ids)))
        stops = self.last[self.firsts + sizes - 1]
        begins = np.append(0, stops[:-1])
        lengths = self.pieces.lengths[self.ids]
        added = self._added(np.add.reduceat(lengths, self.firsts), stops - begins)
        lengths[self.firsts] -= added
        running = np.cumsum(lengths)
        inside = running - np.repeat((running - lengths)[self.firsts] - begins, sizes)
        exact = self._equal(lengths, begins, stops, sizes)
        known = self.pieces.real[self.ids]
        every = np.repeat(exact, sizes)
        return Encoded(self.ids, np.where(every, inside, self.last), len(self.data), known, every & known)

    def _added(self, spelled: Places, own: Places) -> Places:
        """[g] 1 for groups that begin with a space which the text does not have."""
        first = self.ids[self.firsts]
        starts = self.pieces.starts[first]
        long = self.pieces.lengths[first] > 0
        spaces = np.zeros(len(first), np.bool_)
        spaces[long] = self.pieces.flat[starts[long]] == _SPACE
        found: Places = (spaces & (spelled == own + 1)).astype(np.int64)
        return found

    def _equal(self, lengths: Places, begins: Places, stops: Places, sizes: Places) -> Flags:
        """[g] whether each group's bytes are those of the text from the group before to its own end."""
        spelled = np.add.reduceat(lengths, self.firsts)
        same: Flags = (spelled == stops - begins) & np.logical_and.reduceat(
            self.pieces.real[self.ids], self.firsts
        )
        compared = np.flatnonzero(same & (spelled > 0))
        tokens = np.repeat(same & (spelled > 0), sizes)
        if not len(compared):
            return same
        ids, cut = self.ids[tokens], lengths[tokens]
        before = np.cumsum(cut) - cut
        # A piece that lost its space is read from behind: its last `cut` bytes.
        starts = self.pieces.starts[ids] + self.pieces.lengths[ids] - cut
        ours = self.pieces.flat[np.repeat(starts - before, cut) + np.arange(int(cut.sum()))]
        widths = spelled[compared]
        at = np.cumsum(widths) - widths
        theirs = self.data[np.repeat(begins[compared] - at, widths) + np.arange(int(widths.sum()))]
        same[compared] = np.logical_and.reduceat(ours == theirs, at)
        return same
