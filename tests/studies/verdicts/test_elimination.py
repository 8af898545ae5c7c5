"""A finalist is dropped only where it is behind beyond doubt, and the best one hardly ever."""

from __future__ import annotations

from math import comb
from statistics import NormalDist

import numpy as np
import pytest

from studies.errors import StudiesError
from studies.verdicts.elimination import ERROR, MOST_ROUNDS, lag, remaining
from studies.verdicts.paired import Verdicts
from tests.studies.verdicts.simulated import World, simulate

Counts = tuple[int, int, int]
"""Items that only the first answered, that only the second did, and that both did."""


def both(**slices: Counts) -> tuple[Verdicts, Verdicts]:
    """Two candidates' answers."""
    first = {name: [True] * a + [False] * b + [True] * c for name, (a, b, c) in slices.items()}
    second = {name: [False] * a + [True] * b + [True] * c for name, (a, b, c) in slices.items()}
    return tuple({name: dict(enumerate(items)) for name, items in each.items()} for each in (first, second))  # type: ignore[return-value]


def lag_of(**slices: Counts) -> float:
    """How far the second is behind the first."""
    first, second = both(**slices)
    return lag(second, first)


def test_one_slice_has_mcnemars_statistic_with_its_correction() -> None:
    # 20 against 5: (20 - 5 - 1) / sqrt(25).
    assert lag_of(gsm8k=(20, 5, 75)) == pytest.approx(2.8)
    assert lag_of(gsm8k=(5, 20, 75)) == pytest.approx(-3.2)


def test_ties_tell_nothing_and_alone_they_tell_of_no_lag() -> None:
    assert lag_of(gsm8k=(20, 5, 0)) == pytest.approx(lag_of(gsm8k=(20, 5, 175)))
    assert lag_of(gsm8k=(0, 0, 30)) == 0.0


def test_a_pair_weighs_one_over_the_items_of_its_slice() -> None:
    # Gaps of 12/100 and 9/50, less half a step of the coarser slice; variances 16/100^2 and 11/50^2.
    expected = (0.12 + 0.18 - 0.02) / (0.0016 + 0.0044) ** 0.5
    assert lag_of(gsm8k=(14, 2, 84), math=(10, 1, 39)) == pytest.approx(expected)
    assert lag_of(gsm8k=(14, 2, 84), math=(10, 1, 39), code=(0, 0, 7)) == pytest.approx(expected)


def test_no_exact_test_is_less_certain_than_this_one() -> None:
    """Of D pairs that differ, each won by either with equal chance: the tail is never above the normal's."""
    for pairs in range(1, 200):
        tail = 0.0
        for won in range(pairs // 2):
            tail += comb(pairs, won) / 2**pairs
            claimed = NormalDist().cdf(-lag_of(gsm8k=(pairs - won, won, 3)))
            if 1e-9 < claimed <= ERROR:
                assert tail <= claimed, (pairs, won)


def test_who_shares_no_item_is_not_compared() -> None:
    with pytest.raises(StudiesError, match="share no item"):
        lag({"gsm8k": {1: True}}, {"gsm8k": {2: True}})


def test_who_is_behind_the_leader_beyond_doubt_goes_and_the_order_stays() -> None:
    ahead, behind = both(gsm8k=(40, 2, 22))
    close = {"gsm8k": {**ahead["gsm8k"], 0: False}}
    answers = {"close": close, "behind": behind, "ahead": ahead}
    assert remaining(answers, finalists=3, looks=4) == ("close", "ahead")


def test_equals_all_stay() -> None:
    answers, _ = both(gsm8k=(40, 2, 22))
    assert remaining({"a": answers, "b": answers, "c": answers}, 3, 4) == ("a", "b", "c")


@pytest.mark.parametrize(("finalists", "looks"), [(1, 4), (2, 0)])
def test_where_nobody_can_be_dropped_everybody_stays(finalists: int, looks: int) -> None:
    ahead, behind = both(gsm8k=(60, 0, 4))
    assert remaining({"behind": behind, "ahead": ahead}, finalists, looks) == ("behind", "ahead")


def test_more_finalists_and_more_looks_ask_for_more() -> None:
    ahead, behind = both(gsm8k=(14, 2, 48))  # 2.75 standard errors
    for finalists, looks, left in ((2, 1, 1), (5, 8, 1), (6, 8, 2), (40, 1, 2)):
        assert len(remaining({"a": ahead, "b": behind}, finalists, looks)) == left


@pytest.mark.parametrize("worth", [(0.60, 0.599, 0.599, 0.599, 0.599), (0.62, 0.60, 0.58, 0.56, 0.54)])
def test_the_best_is_dropped_in_fewer_studies_than_the_error(worth: tuple[float, ...]) -> None:
    chance, studies = np.random.default_rng(11), 300
    accuracies = {name: [0.5] * 3 for name in ("base", "expert", "uniform")}
    accuracies |= {f"trial {i}": [each] * 3 for i, each in enumerate(worth)}
    world = World(accuracies, holdout=320)
    dropped = sum(simulate(world, chance).asked["trial 0"] < 320 for _ in range(studies))
    assert dropped / studies <= ERROR


def test_a_wide_field_of_finalists_is_spared_most_of_its_answers() -> None:
    chance, worth = np.random.default_rng(12), (0.70, 0.60, 0.58, 0.55, 0.50)
    accuracies = {name: [0.5] * 3 for name in ("base", "expert", "uniform")}
    accuracies |= {f"trial {i}": [each] * 3 for i, each in enumerate(worth)}
    studies = [simulate(World(accuracies, holdout=320), chance) for _ in range(40)]
    assert np.mean([each.saved for each in studies]) > 0.5
    assert all(each.winner.name == "trial 0" for each in studies)
    assert MOST_ROUNDS >= 5
