"""Races over numbers that are not just right or wrong, such as log-probabilities.

Student's t on paired differences, slices weighing alike (Welch's degrees of freedom), with the variance
that is left where a finite set is sampled without replacement. It assumes that the mean of a slice's
differences is about normally distributed: fair for log-probabilities per token of a dozen items and more,
and not exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.racing.cells import Array, Asked

FEWEST = 4
"""Differences of a slice without which nothing is said of its spread."""
_ANGLES = 2001


def student(t: float, freedom: float) -> float:
    """The chance that Student's t is at most `t`, by its angle; right to about 1e-6."""
    edge = float(np.arctan(t / np.sqrt(freedom)))
    low, high = _area(-np.pi / 2, edge, freedom), _area(edge, np.pi / 2, freedom)
    return low / (low + high)


def _area(start: float, end: float, freedom: float) -> float:
    angles = np.linspace(start, end, _ANGLES)
    return float(np.trapezoid(np.cos(angles) ** (freedom - 1), angles))


def spread(part: Asked) -> tuple[float, float]:
    """The variance of a slice's mean difference as an estimate of that over all items, and its freedom."""
    gains = part.gains
    if len(gains) == len(part.incumbent):
        return 0.0, 1.0
    if len(gains) < 2:
        return float("inf"), 1.0
    left = 1 - len(gains) / len(part.incumbent)
    return float(gains.var(ddof=1)) * left / len(gains), len(gains) - 1.0


def chance(slices: Sequence[Asked]) -> float:
    """The chance that a candidate which equals the incumbent over all items looks as bad as this one."""
    gaps: Array = np.array([part.gains.mean() for part in slices])
    variances, freedoms = np.array([spread(part) for part in slices]).T
    whole = np.array([len(part.gains) == len(part.incumbent) for part in slices])
    counts = np.array([len(part.gains) for part in slices])
    if ((counts < FEWEST) & ~whole).any():
        return 1.0
    if not variances.sum():
        return 0.0 if gaps.sum() < 0 else 1.0
    freedom = variances.sum() ** 2 / (variances**2 / freedoms).sum()
    return student(float(gaps.sum() / np.sqrt(variances.sum())), float(freedom))
