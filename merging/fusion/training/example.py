"""One prompt and response, in the target's tokens, with what its sources say of the response."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merging.fusion.distributions.data import Carried, Top


@dataclass(frozen=True, eq=False)
class Example:
    """`ids` int64 [prompt + response] are the target's tokens; the response begins at `start`, at least 1.

    `carried` has one entry a source, in the same order in all examples; `own` is what the unfused target
    says, if it shall compete; `raw` are the sources' distributions on their own tokens, for `uld` only.
    """

    ids: NDArray[np.int64]
    start: int
    slice: str | None = None
    carried: tuple[Carried, ...] = ()
    own: Carried | None = None
    raw: tuple[Top, ...] = ()

    def __post_init__(self) -> None:
        assert 1 <= self.start <= len(self.ids), f"a response from {self.start} on in {len(self.ids)} tokens"
        for source in self.teachers:
            assert len(source.tail) == self.count, f"{len(source.tail)} rows for {self.count} response tokens"

    @property
    def count(self) -> int:
        """The response's tokens."""
        return len(self.ids) - self.start

    @property
    def teachers(self) -> tuple[Carried, ...]:
        """The sources, and the unfused target behind them if it competes."""
        return self.carried if self.own is None else (*self.carried, self.own)
