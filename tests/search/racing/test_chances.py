from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from search.racing.chances import hypergeometric, limits, tail


def test_chances_of_a_sample() -> None:
    """Of 5 items 3 are right, 2 are asked: C(3,s) C(2,2-s) / C(5,2)."""
    least, chances = hypergeometric(5, 3, 2)
    assert least == 0
    assert chances == pytest.approx([0.1, 0.6, 0.3])


def test_a_sample_may_be_bound_to_hold_right_ones() -> None:
    least, chances = hypergeometric(5, 4, 3)
    assert (least, list(chances)) == (2, pytest.approx([0.6, 0.4]))


@pytest.mark.parametrize("seen", [0, 2, 7])
def test_limits_are_the_last_totals_that_are_not_absurd(seen: int) -> None:
    low, high = limits(40, 7, seen, 0.01)

    def at_most(total: int) -> float:
        least, chances = hypergeometric(40, total, 7)
        return float(chances[: max(seen - least + 1, 0)].sum())

    def at_least(total: int) -> float:
        least, chances = hypergeometric(40, total, 7)
        return float(chances[max(seen - least, 0) :].sum())

    possible = range(seen, 40 - (7 - seen) + 1)
    assert low == min(total for total in possible if at_least(total) > 0.01)
    assert high == max(total for total in possible if at_most(total) > 0.01)


def test_the_tail_of_a_weighted_sum_is_that_of_all_outcomes() -> None:
    items, right, asked = np.array([9, 6, 12]), np.array([3, 5, 2]), np.array([4, 3, 6])
    scale = np.array([0.31, 0.17, 0.052])
    cells = [hypergeometric(*map(int, row)) for row in zip(items, right, asked, strict=True)]
    outcomes = [[(least + i, p) for i, p in enumerate(chances)] for least, chances in cells]
    for limit in (0.2, 0.5, 0.9):
        exact = sum(
            float(np.prod([p for _, p in each]))
            for each in product(*outcomes)
            if scale @ [count for count, _ in each] <= limit
        )
        assert tail(items, right, asked, scale, limit) == pytest.approx(exact, abs=1e-9)


def test_no_outcome_lies_below_nothing() -> None:
    one = np.array([4])
    assert tail(one, np.array([2]), np.array([2]), np.array([1.0]), -0.5) == 0.0
