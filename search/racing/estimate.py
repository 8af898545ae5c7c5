"""What a candidate that was stopped would have scored over all items, as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.racing.cells import Asked
from search.racing.dense import spread


@dataclass(frozen=True)
class Estimate:
    """A whole score with its standard error, and how many items it was made from."""

    value: float
    error: float
    items: int


def estimate(slices: Sequence[Asked]) -> Estimate:
    """The incumbent's whole score plus the mean difference on what both were asked, slices weighing alike.

    Items are compared with themselves, so how hard those happen to be that came first plays no part. Without
    bias for a sample that was fixed beforehand; who is stopped for looking bad looks, on average, a little
    worse than it is.
    """
    scores = [part.incumbent.mean() + part.gains.mean() for part in slices]
    variance = sum(spread(part)[0] for part in slices) / len(slices) ** 2
    return Estimate(float(np.mean(scores)), float(np.sqrt(variance)), sum(len(part.gains) for part in slices))
