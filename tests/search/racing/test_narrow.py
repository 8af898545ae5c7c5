"""The exact test of 0/1 outcomes, held to every winner there is, by enumeration."""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
import pytest

from search.racing.cells import Array, Cells
from search.racing.chances import hypergeometric
from search.racing.narrow import chance

CASES = {
    "one slice, a first look": ((26, 38), (3, 5)),
    "one slice, halfway": ((26, 38), (10, 22)),
    "a strong incumbent": ((6, 58), (4, 28)),
    "two slices": ((7, 9, 7, 9), (4, 5, 3, 4)),
    "slices of unequal weight": ((4, 6, 6, 18), (2, 2, 4, 8)),
}
"""Items by slice that the incumbent has wrong and right, and how many of them are asked."""


def cells_of(items: Array, asked: Array, right: Array) -> Cells:
    sizes = items.reshape(-1, 2).sum(1)
    weight = np.repeat(1 / (len(sizes) * sizes), 2)
    return Cells(items, asked, right, weight, float((weight * items)[1::2].sum()))


def share(items: int, total: int, asked: int) -> Array:
    found = np.zeros(asked + 1)
    least, chances = hypergeometric(items, total, asked)
    found[least : least + len(chances)] = chances
    return found


def expected(stop: Array, shares: list[Array]) -> float:
    return float(reduce(lambda left, share: np.tensordot(share, left, axes=(0, 0)), shares, stop))


@pytest.mark.parametrize("level", [0.05, 0.007])
@pytest.mark.parametrize("case", CASES)
def test_no_winner_is_stopped_more_often_than_the_level_says(case: str, level: float) -> None:
    """All outcomes of one look, and all that the candidate may be like."""
    items, asked = (np.array(each, float) for each in CASES[case])
    stop = np.zeros([int(each) + 1 for each in asked])
    for right in product(*(range(int(each) + 1) for each in asked)):
        cells = cells_of(items, asked, np.array(right, float))
        if cells.estimate < cells.goal:
            stop[right] = chance(cells, level) <= level
    goal = cells_of(items, asked, asked)
    shares = [
        [share(int(n), k, int(m)) for k in range(int(n) + 1)] for n, m in zip(items, asked, strict=True)
    ]
    stopped = {
        totals: float(
            reduce(
                lambda left, row: np.tensordot(row, left, axes=(0, 0)),
                map(list.__getitem__, shares, totals),
                stop,
            )
        )
        for totals in product(*(range(int(n) + 1) for n in items))
        if goal.goal + 1e-9 < goal.weight @ totals < goal.goal + 2 * goal.weight.max()
    }
    assert max(stopped.values()) <= level


def test_one_that_cannot_make_it_any_more_is_stopped_for_certain() -> None:
    """3 behind with 2 items left that the incumbent has wrong."""
    cells = cells_of(np.array([4.0, 8.0]), np.array([2.0, 8.0]), np.array([0.0, 6.0]))
    assert chance(cells, 0.01) == 0.0


def test_ties_do_not_kill_the_power() -> None:
    """Equal on 100 of 112 items asked, 0 wins and 12 losses: 2 to the minus 12 of narrow winners look so."""
    cells = cells_of(np.array([160.0, 240.0]), np.array([44.0, 68.0]), np.array([0.0, 56.0]))
    assert chance(cells, 0.01) < 0.005


def test_what_only_looks_bad_by_its_heavy_items_is_not_stopped() -> None:
    """Six losses of light items, and of the few heavy ones none won yet: conditioned on who differs at all
    the chance were 2 to the minus 6; but a narrow winner often has not shown its few heavy wins by now."""
    cells = cells_of(
        np.array([20.0, 30.0, 60.0, 90.0]), np.array([5.0, 8.0, 15.0, 22.0]), np.array([0.0, 8.0, 0.0, 16.0])
    )
    assert chance(cells, 0.016) > 0.05
