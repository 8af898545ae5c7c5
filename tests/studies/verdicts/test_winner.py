"""What is told of the best merge: how far the next one is behind, and what its search score promised."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist

import pytest

from studies.verdicts.elimination import MOST_ROUNDS
from studies.verdicts.holdout import Holdout
from studies.verdicts.paired import Verdicts, paired_difference, simultaneous_level
from studies.verdicts.winner import Finalist, crown, optimism

N = 100


def answers(gsm8k: int, math: int, asked: int = N) -> Verdicts:
    """The first so many of each slice's items are right."""
    rights = {"gsm8k": gsm8k, "math": math}
    return {name: {item: item < right for item in range(asked)} for name, right in rights.items()}


def holdout(whole: Mapping[str, Verdicts], partly: Mapping[str, Verdicts] | None = None) -> Holdout:
    return Holdout(whole, {}, level=0.95, partly=partly or {})


def finalists(*names: str, promised: float | None = 0.9) -> list[Finalist]:
    return [Finalist(name, name, promised) for name in names]


def test_the_runner_up_is_the_next_in_rank_and_its_interval_is_one_of_all_pairs() -> None:
    a, b, c = answers(80, 80), answers(70, 78), answers(60, 60)
    told = crown(finalists("a", "b", "c"), holdout({"a": a, "b": b, "c": c}))
    assert told.runner_up is not None
    assert told.runner_up.name == "b"
    assert told.runner_up.gain == paired_difference(a, b, simultaneous_level(3))
    assert told.runner_up.gain.mean == pytest.approx(0.06)
    assert (told.name, told.finalists, told.items, dict(told.dropped)) == ("a", 3, 2 * N, {})


def test_where_all_others_were_dropped_it_is_who_came_furthest_on_the_items_of_both() -> None:
    a, near, far = answers(80, 80), answers(50, 50, asked=64), answers(60, 60, asked=64)
    early = answers(32, 32, asked=32)
    told = crown(
        finalists("a", "early", "near", "far"),
        holdout({"a": a}, {"near": near, "far": far, "early": early}),
    )
    assert told.runner_up is not None
    assert told.runner_up.name == "far", "of those that were asked as much the one that is less behind"
    assert told.runner_up.gain == paired_difference(a, far, simultaneous_level(6 * MOST_ROUNDS))
    assert told.runner_up.gain.n == 2 * 64
    assert dict(told.dropped) == {"early": 64, "near": 128, "far": 128}


def test_while_candidates_are_still_asked_nobody_counts_as_dropped() -> None:
    a, b = answers(80, 80), answers(50, 50, asked=64)
    told = crown(finalists("a", "b"), holdout({"a": a}, {"b": b}), ended=False)
    assert dict(told.dropped) == {}
    assert "Dropped" not in told.about_search()


def test_a_single_finalist_has_no_runner_up_and_no_average() -> None:
    told = crown(finalists("a"), holdout({"a": answers(80, 80)}))
    assert (told.runner_up, told.mean_optimism) == (None, None)
    assert told.against_runner_up() == ""
    assert told.optimism is not None


def test_optimism_is_search_less_holdout_with_the_doubt_of_the_holdout_items() -> None:
    # 80 of 100 and 60 of 100; after one item more of each outcome 81/102 and 61/102.
    found = optimism(finalists("a"), holdout({"a": answers(80, 60)}))
    variance = sum(p * (1 - p) / 102 for p in (81 / 102, 61 / 102)) / 4
    half = NormalDist().inv_cdf(0.975) * sqrt(variance)
    assert found.mean == pytest.approx(0.9 - 0.7)
    assert (found.low, found.high) == (pytest.approx(0.2 - half), pytest.approx(0.2 + half))


def test_the_winners_interval_is_as_wide_as_the_choice_among_finalists_asks_for() -> None:
    a, b = answers(80, 60), answers(70, 60)
    told = crown(finalists("a", "b"), holdout({"a": a, "b": b}))
    alone = optimism(finalists("a"), holdout({"a": a}))
    assert told.optimism is not None
    ratio = (told.optimism.high - told.optimism.mean) / (alone.high - alone.mean)
    assert ratio == pytest.approx(NormalDist().inv_cdf(1 - 0.05 / 4) / NormalDist().inv_cdf(0.975))


def test_the_average_is_over_the_items_that_all_finalists_were_asked() -> None:
    a, b = answers(80, 80), answers(32, 32, asked=64)
    told = crown(finalists("a", "b"), holdout({"a": a}, {"b": b}))
    assert told.mean_optimism is not None
    # Of the first 64 items of each slice `a` has all, `b` half.
    assert told.mean_optimism.mean == pytest.approx(0.9 - 0.75)
    fewer = holdout({"a": answers(64, 64, asked=64), "b": b})
    any_round = optimism(finalists("a", "b"), fewer, MOST_ROUNDS)
    assert told.mean_optimism == any_round, "after whichever round it was"


def test_search_scores_that_are_no_accuracies_promise_nothing() -> None:
    told = crown(finalists("a", "b", promised=None), holdout({"a": answers(80, 80), "b": answers(7, 7)}))
    assert (told.optimism, told.mean_optimism) == (None, None)
    assert told.about_search() == ""


def test_finalists_of_other_studies_are_compared_but_not_averaged() -> None:
    both = {"a": answers(80, 80), "b": answers(70, 70)}
    told = crown([*finalists("a"), *finalists("b", promised=None)], holdout(both))
    assert told.runner_up is not None
    assert (told.optimism is None, told.mean_optimism) == (False, None)


def test_json_has_fractions_and_the_words_have_points() -> None:
    told = crown(finalists("a", "b"), holdout({"a": answers(80, 80)}, {"b": answers(32, 32, asked=64)}))
    said = told.to_json()
    assert list(said) == ["finalists", "dropped", "runner_up", "optimism", "mean_optimism"]
    assert said["dropped"] == {"b": 128}
    assert list(said["runner_up"]) == ["name", "mean", "low", "high", "n"]
    assert list(said["optimism"]) == ["mean", "low", "high"]
    assert said["optimism"]["mean"] == pytest.approx(0.1)
    assert told.about_search().startswith(" Search score less holdout score: a +10.0 points (95% interval +")
    assert told.about_search().endswith(
        " Dropped as behind before all 200 holdout items were asked: b after 128."
    )
