"""The target's tokens as a source sees them: in which of its own tokens each begins, and how deep inside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from merging.fusion.alignment.spans import Spans
from merging.fusion.distributions.mapping import Mapping
from merging.fusion.exchange import Exchange

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class View:
    """A source's kept response tokens, and the target's, of which there are n; both closed by their end."""

    source: Exchange
    target: Exchange
    spans: Spans
    mapping: Mapping
    read: int
    """Tokens of its response that the source has read, counted from the first."""

    @property
    def count(self) -> int:
        """n, the target's kept tokens."""
        return self.target.kept

    @property
    def nbytes(self) -> int:
        """Bytes of the text that the source has read."""
        response = self.source.response
        return int(min(response.ends[self.read - 1], response.nbytes - 1)) if self.read else 0

    @cached_property
    def chunks(self) -> Places:
        """int64 [m, 4]: aligned spans that both sides keep; a source's range of tokens, and the target's."""
        rows = np.hstack([self.spans.a, self.spans.b])[self.spans.aligned].astype(np.int64)
        whole = (rows[:, 1] <= self.read) & (rows[:, 3] <= self.count) & (rows[:, 3] > rows[:, 2])
        return rows[whole & (rows[:, 1] > rows[:, 0])]

    @cached_property
    def covered(self) -> Bools:
        """[n]: the target's token lies in a chunk."""
        steps = np.zeros(self.count + 1, np.int64)
        np.add.at(steps, self.chunks[:, 2], 1)
        np.add.at(steps, self.chunks[:, 3], -1)
        found: Bools = np.cumsum(steps)[: self.count] > 0
        return found

    @cached_property
    def row(self) -> Places:
        """[n]: the source's token in which the target's begins; 0 where that is unknown."""
        found = np.searchsorted(self.source.response.ends, self._starts, side="right")
        return np.where(self.covered, np.minimum(found, self.read - 1), 0)

    @cached_property
    def begins(self) -> Bools:
        """[n]: both begin there."""
        found: Bools = self._starts == self._source_starts[self.row]
        return found | ~self.covered

    @cached_property
    def readable(self) -> Bools:
        """[n]: it is known by which bytes the source's token has begun."""
        return self.begins | (self.mapping.inside & (self._lead[self.row] >= 0))

    @cached_property
    def depth(self) -> Ints:
        """[n]: how many bytes of the source's token have come, a space put in front of its text included."""
        found = self._starts - self._source_starts[self.row] + np.maximum(self._lead[self.row], 0)
        return np.where(self.covered & self.readable, found, 0).astype(np.int32)

    @cached_property
    def crosses(self) -> Bools:
        """[n]: the target's token ends behind the source's."""
        found: Bools = self._ends > self.source.response.ends[self.row]
        return found & self.covered

    @cached_property
    def known(self) -> Bools:
        """[n]: the source's distribution over the target's tokens can be told."""
        return self.covered & self.readable & (self._ends > self._starts)

    def chunk_end(self) -> Bools:
        """[n]: the last token of each chunk."""
        marks = np.zeros(self.count, np.bool_)
        marks[self.chunks[:, 3] - 1] = True
        return marks

    def chunk_logprob(self, path: Floats) -> NDArray[np.float32]:
        """[n]: at the end of each chunk the log-probability of the source's `path` in it; else NaN."""
        said = np.full(self.count, np.nan, np.float32)
        said[self.chunks[:, 3] - 1] = path[self.chunks[:, 1]] - path[self.chunks[:, 0]]
        return said

    @cached_property
    def _ends(self) -> Places:
        return self.target.response.ends[: self.count]

    @cached_property
    def _starts(self) -> Places:
        return np.append(0, self._ends[:-1])

    @cached_property
    def _source_starts(self) -> Places:
        return np.append(0, self.source.response.ends[:-1])

    @cached_property
    def _lead(self) -> Places:
        """Bytes of each source token that stand before its text; -1 where its bytes are not the text's."""
        response = self.source.response
        more = self.mapping.length(response.ids) - (response.ends - self._source_starts)
        return np.where(response.exact & (more >= 0) & (more <= 1), more, -1)
