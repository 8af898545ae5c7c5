"""Hypergeometric chances, exact: counts of right answers in random samples, and weighted sums of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
GRID = 4096
"""Steps into which the span of a weighted sum is cut; rounding goes to the side of the larger chance."""
NEGLIGIBLE = 1e-14


@lru_cache(1)
def _table(size: int) -> Array:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])


def log_choose(n: int, k: NDArray[np.int64]) -> Array:
    """Natural logarithms of binomial coefficients; every k must lie between 0 and n."""
    table = _table(1 << max(12, n.bit_length()))
    found: Array = table[n] - table[k] - table[n - k]
    return found


def hypergeometric(items: int, right: int, asked: int) -> tuple[int, Array]:
    """The chances of each count of right answers among those asked, from the least possible count on."""
    least, most = max(0, asked - (items - right)), min(asked, right)
    counts = np.arange(least, most + 1)
    logs = log_choose(right, counts) + log_choose(items - right, asked - counts)
    chances = np.exp(logs - log_choose(items, np.array([asked])))
    return least, chances


def limits(items: int, asked: int, seen: int, level: float) -> tuple[int, int]:
    """The least and the most right answers in all that leave `seen` of those asked a chance above `level`."""
    low, high = seen, items - (asked - seen)
    return _turn(items, asked, seen, level, low, high, -1), _turn(items, asked, seen, level, low, high, 1)


def _turn(items: int, asked: int, seen: int, level: float, low: int, high: int, side: int) -> int:
    """By halving: the tail towards `side` grows less likely the further the total goes there."""
    middle = round(items * seen / asked) if asked else (low if side > 0 else high)
    near, far = min(max(middle, low), high), high if side > 0 else low
    while near != far:
        half = (near + far + (side > 0)) // 2
        least, chances = hypergeometric(items, half, asked)
        tail = chances[: seen - least + 1] if side > 0 else chances[seen - least :]
        if tail.sum() > level:
            near = half
        else:
            far = half - side
    return near


def tail(
    items: NDArray[np.int64],
    right: NDArray[np.int64],
    asked: NDArray[np.int64],
    scale: Array,
    limit: float,
) -> float:
    """The chance that sum(scale x count of right answers among those asked) is at most `limit`.

    Arrays are over independent cells. Never less than the exact chance, and more only by what is within
    a few of 4096 steps of the sum's span.
    """
    step = max(float(scale @ np.minimum(right, asked)), 1e-12) / GRID
    sums = np.ones(1)
    for each in range(len(items)):
        least, chances = hypergeometric(int(items[each]), int(right[each]), int(asked[each]))
        places = np.floor(scale[each] * np.arange(least, least + len(chances)) / step + 1e-9).astype(int)
        sums = _add(sums, places, chances)
    last = int(np.floor(limit / step + 1e-6))
    return float(sums[: max(last + 1, 0)].sum())


def _add(sums: Array, places: NDArray[np.int64], chances: Array) -> Array:
    found = np.zeros(len(sums) + places[-1])
    for place, chance in zip(places, chances, strict=True):
        if chance > NEGLIGIBLE:
            found[place : place + len(sums)] += chance * sums
    return found
