"""Whether a candidate is stopped after a block of items, for it is very unlikely to beat the best one so far.

To win is a fact about the finite set of search items: a higher score over all of them than the incumbent has,
on the same items. What is random is only which items come first, and that is ours to draw. So the share of
winners that are stopped is bounded whatever the models are like: each look may stop its part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.racing import dense, narrow
from search.racing.blocks import Block
from search.racing.cells import Array, Asked, count
from search.racing.estimate import Estimate, estimate

__all__ = ["Asked", "Finish", "Rules", "run", "stops"]


@dataclass(frozen=True)
class Rules:
    """How a race is run."""

    error: float = 0.05
    """Of the candidates that would have won, this share at most is stopped, over all looks together."""
    blocks: int = 8

    @property
    def level(self) -> float:
        """Of a single look: equal parts; there is none after the last block."""
        return self.error / (self.blocks - 1)


@dataclass(frozen=True)
class Finish:
    """How a race ended."""

    block: int | None
    """0-based block after which the candidate was stopped; None: it was asked everything."""
    estimate: Estimate
    """Its score: measured where it was asked everything."""


def stops(slices: Sequence[Asked], rules: Rules, *, exact: bool) -> bool:
    """Whether the candidate stops here, given every slice's answers of all blocks so far.

    `exact`: values are 0 or 1, the test exact; else Student's t with what `dense` assumes.
    """
    if estimate(slices).value > float(np.mean([part.incumbent.mean() for part in slices])):
        return False
    if not exact:
        return dense.chance(slices) <= rules.level
    return narrow.chance(count(slices), rules.level) <= rules.level


def run(
    incumbent: Sequence[Array],
    candidate: Sequence[Array],
    blocks: Sequence[Block],
    rules: Rules,
    *,
    exact: bool = True,
) -> Finish:
    """Race a candidate whose values are all known, an array a slice, as if they were asked block by block."""
    slices = [Asked(best, np.full(len(best), np.nan)) for best in incumbent]
    for number, block in enumerate(blocks):
        for part, values, places in zip(slices, candidate, block, strict=True):
            part.candidate[list(places)] = values[list(places)]
        if number < len(blocks) - 1 and stops(slices, rules, exact=exact):
            return Finish(number, estimate(slices))
    return Finish(None, estimate(slices))
