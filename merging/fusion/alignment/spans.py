"""Where two tokenizations of one text agree: spans that begin and end where a token of either side does.

Nothing is compared and nothing is searched: one pass over the ends of both sides, in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from merging.fusion.alignment.encoded import Encoded, Flags, Ints, Places

MOST_TOKENS = 8
"""A span with more tokens than this on both sides says too little of any of them to count as aligned."""


@dataclass(frozen=True)
class Spans:
    """Spans of one text, in order and without gaps, m of them.

    a, b int32 [m, 2]: each side's tokens, first and one past the last; text int64 [m, 2]: bytes, likewise.
    What follows the last end that both sides share is in no span.
    """

    a: Ints
    b: Ints
    text: Places
    known: Flags
    """[m]: every token of both sides stands for its text."""
    exact: Flags
    """[m]: both sides' bytes are the text's."""

    def __len__(self) -> int:
        return len(self.text)

    @cached_property
    def sizes(self) -> Ints:
        """[m, 2] tokens on each side."""
        return np.stack([self.a[:, 1] - self.a[:, 0], self.b[:, 1] - self.b[:, 0]], axis=1)

    @cached_property
    def aligned(self) -> Flags:
        """[m]: known, and with at most `MOST_TOKENS` tokens on its shorter side."""
        found: Flags = self.known & (self.sizes.min(axis=1, initial=1 << 30) <= MOST_TOKENS)
        return found


def align(a: Encoded, b: Encoded) -> Spans:
    """The finest spans of a text that begin and end on a token's end on both sides; O(n).

    A token of no bytes belongs to the span that ends where it does; in front of the text (a lone space that a
    tokenizer puts there) to the first span, or to one of no bytes where both sides have such a token.
    """
    assert a.nbytes == b.nbytes, f"{a.nbytes} and {b.nbytes} bytes: not one text"
    at = np.full(a.nbytes + 1, -1, np.int64)
    at[b.ends] = np.arange(len(b))  # the last of several with one end
    last = np.append(a.ends[1:] != a.ends[:-1], True)[: len(a)]
    hits = np.flatnonzero(last & (at[a.ends] >= 0))
    ours, theirs = hits + 1, at[a.ends[hits]] + 1
    known, exact = (_all(x, ours) & _all(y, theirs) for x, y in ((a.known, b.known), (a.exact, b.exact)))
    return Spans(
        _ranges(ours).astype(np.int32),
        _ranges(theirs).astype(np.int32),
        _ranges(a.ends[hits]),
        known,
        exact,
    )


def _ranges(stops: Places) -> Places:
    return np.stack([np.append(0, stops[:-1])[: len(stops)], stops], axis=1)


def _all(flags: Flags, stops: Places) -> Flags:
    """[m] whether all flags hold, of ranges that follow on each other and end at `stops`."""
    held = np.append(0, np.cumsum(~flags))
    found: Flags = np.diff(held[np.append(0, stops)]) == 0
    return found
