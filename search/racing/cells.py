"""What is known of a race between two candidates: counts by slice and by what the incumbent answered.

A cell holds the items of one slice that the incumbent has right, or those that it has wrong. Of a cell's
items those that were asked are a random sample, so what the candidate has right among them follows the
hypergeometric distribution, and cells are independent of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """One slice of a race: the incumbent's values of all items, the candidate's of those asked, else NaN."""

    incumbent: Array
    candidate: Array

    def __post_init__(self) -> None:
        assert self.incumbent.shape == self.candidate.shape, "not the same items"
        assert not np.isnan(self.incumbent).any(), "an incumbent is asked everything"

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which items the candidate was asked."""
        return ~np.isnan(self.candidate)

    @property
    def gains(self) -> Array:
        """Candidate minus incumbent, on the items that both were asked."""
        return (self.candidate - self.incumbent)[self.seen]


@dataclass(frozen=True)
class Cells:
    """Counts of all cells, each an array over cells."""

    items: Array
    asked: Array
    right: Array
    """Of those asked, how many the candidate has right."""
    weight: Array
    """Of one item in the whole score, which is the mean over slices of the share right."""
    goal: float
    """The incumbent's whole score: what must be exceeded."""

    @property
    def left(self) -> Array:
        """Items not asked yet."""
        return self.items - self.asked

    @property
    def scale(self) -> Array:
        """What one right answer among those asked stands for in the estimate of the whole score."""
        return np.divide(
            self.weight * self.items, self.asked, out=np.zeros_like(self.weight), where=self.asked > 0
        )

    @property
    def estimate(self) -> float:
        """The whole score that the answers so far make likely; a cell without any counts as wrong."""
        return float(self.scale @ self.right)

    @property
    def best(self) -> float:
        """The whole score if all that is left is answered right."""
        return float(self.weight @ (self.right + self.left))


def count(slices: Sequence[Asked]) -> Cells:
    """Count 0/1 outcomes into cells; empty ones are left out."""
    rows = []
    for part in slices:
        weight = 1 / (len(slices) * len(part.incumbent))
        for answered in (0.0, 1.0):
            inside = part.incumbent == answered
            seen = inside & part.seen
            rows.append((inside.sum(), seen.sum(), part.candidate[seen].sum(), weight))
    items, asked, right, weight = np.array([row for row in rows if row[0]], float).T
    goal = float(np.mean([part.incumbent.mean() for part in slices]))
    return Cells(items, asked, right, weight, goal)
