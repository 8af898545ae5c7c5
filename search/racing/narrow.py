"""Narrow winners: how a candidate that wins by a hair may look, given what was seen of it.

A chance that depends on what nobody knows yet (how many items of each cell are right in all) is taken at its
worst over all totals that win and are not absurd (Berger and Boos 1994). Of winners those that win narrowly
are the likeliest to look bad. Among these the chance is worst at or near two: the one that explains best what
was seen, and the one whose score scatters most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from search.racing.cells import Array, Cells
from search.racing.chances import limits, tail

TINY = 1e-9
ROUNDS = 60


def chance(cells: Cells, level: float) -> float:
    """The most likely that a candidate that would win over all items looks as bad as this one, or worse.

    `level` is the chance that is meant to be undercut: a tenth of it goes to totals that count as absurd.
    """
    if cells.best <= cells.goal + TINY:
        return 0.0
    absurd = level / 10
    low, high = _box(cells, absurd / (2 * len(cells.items)))
    if cells.weight @ high <= cells.goal + TINY:
        return absurd
    starts = [_whole(cells, find(cells, low, high), low, high) for find in (likeliest, widest)]
    worst, start = max((_tail(cells, total), tuple(total)) for total in starts)
    if worst + absurd <= level:
        worst = _climb(cells, np.array(start), worst, low, high, level)
    return min(1.0, worst + absurd)


def _climb(
    cells: Cells, total: NDArray[np.int64], worst: float, low: Array, high: Array, enough: float
) -> float:
    """The chance at the top of the hill, or any that is `enough`, from a start on it.

    A step takes items from one cell, and gives another what makes good for them.
    """
    step = max(1, int((high - low).max()) // 4)
    while worst <= enough:
        found, best = max(
            ((_tail(cells, each), tuple(each)) for each in _beside(cells, total, step, low, high)),
            default=(0.0, ()),
        )
        if found > worst * (1 + TINY):
            worst, total = found, np.array(best)
        elif step == 1:
            break
        else:
            step //= 2
    return worst


def _beside(
    cells: Cells, total: NDArray[np.int64], step: int, low: Array, high: Array
) -> Iterator[NDArray[np.int64]]:
    for giver, taker in permutations(range(len(total)), 2):
        given = min(step, total[giver] - low[giver])
        if given < 1:
            continue
        short = cells.goal - cells.weight @ total + given * cells.weight[giver]
        taken = np.floor(short / cells.weight[taker] + TINY) + 1
        if taken > 0 and total[taker] + taken <= high[taker]:
            other = total.astype(float)
            other[giver] -= given
            other[taker] += taken
            yield other.astype(int)


def _tail(cells: Cells, total: NDArray[np.int64]) -> float:
    items, asked = cells.items.astype(int), cells.asked.astype(int)
    return tail(items, total, asked, cells.scale, cells.estimate)


def _box(cells: Cells, level: float) -> tuple[Array, Array]:
    """The least and the most that each cell may hold in all."""
    rows = zip(cells.items, cells.asked, cells.right, strict=True)
    found = [limits(int(items), int(asked), int(right), level) for items, asked, right in rows]
    low, high = np.array(found, float).T
    return low, high


def likeliest(cells: Cells, low: Array, high: Array) -> Array:
    """Totals of the narrow winner that makes what was seen most likely (by the binomial likelihood)."""

    def totals(pull: float) -> Array:
        a = pull * cells.weight * cells.items
        root = np.sqrt((cells.asked - a) ** 2 + 4 * a * cells.right)
        share = np.clip((a - cells.asked + root) / (2 * a), 0, 1)
        found: Array = np.clip(cells.items * share, low, high)
        return found

    return _meet(cells, lambda x: totals(10.0**x), -6.0, 9.0)


def widest(cells: Cells, low: Array, high: Array) -> Array:
    """Totals of the narrow winner whose estimated score scatters most."""
    spread = cells.scale**2 * cells.asked * cells.left / np.maximum(cells.items - 1, 1)
    unit = cells.weight * cells.items / np.maximum(spread, 1e-12)

    def totals(pull: float) -> Array:
        share = np.clip((1 + np.clip(pull * unit, -1, 1)) / 2, 0, 1)
        found: Array = np.clip(cells.items * share, low, high)
        return found

    most = 1 / float(unit.min())
    return _meet(cells, totals, -most, most)


def _meet(cells: Cells, totals: Callable[[float], Array], low: float, high: float) -> Array:
    """The totals that are worth the goal; they grow with what they are called with."""
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        low, high = (low, middle) if cells.weight @ totals(middle) > cells.goal else (middle, high)
    return totals(high)


def _whole(cells: Cells, totals: Array, low: Array, high: Array) -> NDArray[np.int64]:
    """Whole numbers near them that win by as little as can be had by rounding."""
    found = np.maximum(np.floor(totals + TINY), low)
    order = np.argsort(-(totals - found), kind="stable")
    while cells.weight @ found <= cells.goal + TINY:
        room = [each for each in order if found[each] < high[each]]
        assert room, "no winner within the limits"
        for each in room:
            found[each] += 1
            if cells.weight @ found > cells.goal + TINY:
                break
    whole: NDArray[np.int64] = found.astype(int)
    return whole
