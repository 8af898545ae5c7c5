"""A verdict is a difference with an honest interval."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.errors import StudiesError
from studies.verdicts.paired import Difference, paired_difference, simultaneous_level

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
STRATA = st.dictionaries(st.sampled_from(["gsm8k", "math", "code"]), PAIRS, min_size=1)
LEVELS = st.floats(0.5, 0.999)

Strata = dict[str, list[tuple[bool, bool]]]


def compare(strata: Strata, level: float = 0.95) -> Difference:
    a, b = (
        {name: {i: pair[k] for i, pair in enumerate(pairs)} for name, pairs in strata.items()} for k in (0, 1)
    )
    return paired_difference(a, b, level)


@given(STRATA)
def test_the_mean_is_the_difference_of_the_mean_accuracies(strata: Strata) -> None:
    a, b = (fmean(fmean(pair[k] for pair in pairs) for pairs in strata.values()) for k in (0, 1))
    assert compare(strata).mean == pytest.approx(a - b)


@given(STRATA, LEVELS)
def test_swapping_the_candidates_mirrors_the_interval(strata: Strata, level: float) -> None:
    there = compare(strata, level)
    back = compare({name: [(b, a) for a, b in pairs] for name, pairs in strata.items()}, level)
    assert (back.mean, back.low, back.high, back.n) == (-there.mean, -there.high, -there.low, there.n)


@given(STRATA, LEVELS)
def test_the_interval_holds_the_mean_and_never_has_zero_width(strata: Strata, level: float) -> None:
    found = compare(strata, level)
    assert -1 <= found.low <= found.mean <= found.high <= 1
    assert found.low < found.high


@given(STRATA)
def test_a_higher_level_is_wider(strata: Strata) -> None:
    narrow, wide = compare(strata, 0.9), compare(strata, 0.99)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(STRATA)
def test_more_of_the_same_items_narrow_it(strata: Strata) -> None:
    once, often = compare(strata), compare({name: pairs * 4 for name, pairs in strata.items()})
    assert often.n == 4 * once.n
    assert often.high - often.low < once.high - once.low


@given(STRATA, st.randoms())
def test_the_order_of_slices_and_items_does_not_matter(strata: Strata, chance: random.Random) -> None:
    names = list(strata)
    chance.shuffle(names)
    a, b = ({name: {i: pair[k] for i, pair in enumerate(strata[name])} for name in names} for k in (0, 1))
    assert paired_difference(a, {name: dict(reversed(b[name].items())) for name in b}) == compare(strata)


def test_one_slice_agrees_with_the_formula_worked_by_hand() -> None:
    # 100 pairs, 20 won, 5 lost: (25 + 1) / 102 - (15 / 102)^2, over 102, is 0.0478228 squared.
    found = compare({"gsm8k": [(True, False)] * 20 + [(False, True)] * 5 + [(True, True)] * 75})
    assert (found.mean, found.n) == (0.15, 100)
    assert found.low == pytest.approx(0.15 - 1.959964 * 0.0478228, abs=1e-6)
    assert found.high == pytest.approx(0.15 + 1.959964 * 0.0478228, abs=1e-6)


def test_slices_weigh_the_same_whatever_their_size() -> None:
    assert compare({"big": [(True, False)] * 300, "small": [(True, True)] * 3}).mean == 0.5


def test_only_shared_items_are_compared() -> None:
    found = paired_difference({"math": {1: True, 2: True, 3: False}}, {"math": {2: False, 3: False, 4: True}})
    assert (found.mean, found.n) == (0.5, 2)


@pytest.mark.parametrize("other", [{}, {"math": {}}, {"math": {7: True}}, {"code": {1: True}}])
def test_slices_that_share_no_item_are_refused(other: dict[str, dict[int, bool]]) -> None:
    with pytest.raises(StudiesError, match="share no item"):
        paired_difference({"math": {1: True}}, other)


# Per slice: items, P(only the first is right), P(only the second is).
SITUATIONS = {
    "a clear gain": [(300, 0.30, 0.05)] * 3,
    "equal and alike": [(300, 0.02, 0.02)] * 3,
    "equal and different": [(300, 0.25, 0.25)] * 3,
    "few items, large gain": [(30, 0.80, 0.05)] * 3,
    "many slices, large gain": [(60, 0.60, 0.02)] * 8,
    "unlike slices": [(200, 0.50, 0.01), (100, 0.10, 0.10), (30, 0.05, 0.40)],
    "one small slice": [(30, 0.20, 0.05)],
    "hardly any difference": [(100, 0.01, 0.00)] * 3,
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_95_percent_interval_covers_the_truth_95_times_in_100(situation: str) -> None:
    strata, repeats = SITUATIONS[situation], 1000
    chance = random.Random(20260101)
    truth = fmean(won - lost for _, won, lost in strata)
    hits = sum(_covers(_draw(strata, chance), truth, 0.95) for _ in range(repeats))
    # Three standard errors of the simulation are 0.02; with few discordant pairs it may only be wider.
    assert hits / repeats >= 0.93
    if situation in {"a clear gain", "equal and different", "few items, large gain", "unlike slices"}:
        assert hits / repeats <= 0.97


def test_the_best_of_five_equal_finalists_is_rarely_called_better() -> None:
    chance, repeats, finalists = random.Random(7), 300, 5
    level = simultaneous_level(finalists)
    strata = [(60, 0.10, 0.10)] * 3
    wrong = sum(
        any(not _covers(_draw(strata, chance), 0.0, level) for _ in range(finalists)) for _ in range(repeats)
    )
    assert wrong / repeats <= 0.05 + 0.04


def test_the_simultaneous_level_is_bonferronis() -> None:
    assert simultaneous_level(1) == pytest.approx(0.95)
    assert simultaneous_level(5) == pytest.approx(0.99)


def _draw(strata: list[tuple[int, float, float]], chance: random.Random) -> Strata:
    cells = [(True, False), (False, True), (True, True)]
    return {
        f"slice {index}": chance.choices(cells, [won, lost, 1 - won - lost], k=n)
        for index, (n, won, lost) in enumerate(strata)
    }


def _covers(strata: Strata, truth: float, level: float) -> bool:
    found = compare(strata, level)
    return found.low <= truth <= found.high
