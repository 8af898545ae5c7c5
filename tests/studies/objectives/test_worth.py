"""What a candidate is worth by each goal, with numbers worked by hand."""

from __future__ import annotations

import random
from math import exp, log, sqrt
from statistics import NormalDist, fmean

import pytest

from evaluators.score import Accuracy, MeanLogprob, wilson
from studies.objectives.goals import ACCURACY, GOLD, read_goals
from studies.objectives.worth import Told, Worth, worths
from studies.store.rows import Lengths

RIGHT = {"gsm8k": (30, 40), "math": (10, 20)}
Z = NormalDist().inv_cdf(0.975)


def told(right: dict[str, tuple[int, int]], **lengths: Lengths) -> dict[str, Told]:
    return {name: Told(wilson(*counts), lengths.get(name)) for name, counts in right.items()}


def worth(said: object, right: dict[str, tuple[int, int]], best: dict[str, Accuracy] | None = None) -> Worth:
    (found,) = worths(read_goals(said), told(right), best or {})  # type: ignore[arg-type]
    return found


def test_accuracy_is_the_mean_over_slices_whatever_their_items() -> None:
    found = worth("accuracy", RIGHT)
    assert found.value == (0.75 + 0.5) / 2
    assert found.n == 60


def test_of_one_slice_the_interval_is_wilsons() -> None:
    found, alone = worth("gsm8k", RIGHT), wilson(30, 40)
    assert (found.value, found.n) == (0.75, 40)
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


def test_weights_say_what_a_slice_counts() -> None:
    found = worth({"mean": {"gsm8k": 2, "math": 1}}, RIGHT)
    assert found.value == pytest.approx((2 * 0.75 + 0.5) / 3)
    a, b = wilson(30, 40), wilson(10, 20)
    assert found.low == pytest.approx(found.value - sqrt((2 * (0.75 - a.low)) ** 2 + (0.5 - b.low) ** 2) / 3)
    assert found.high == pytest.approx(
        found.value + sqrt((2 * (a.high - 0.75)) ** 2 + (b.high - 0.5) ** 2) / 3
    )
    assert worth({"mean": {"gsm8k": 20, "math": 10}}, RIGHT) == found, "their sum is no matter"
    assert worth({"mean": {"math": 3}}, RIGHT).value == 0.5


def test_gold_answers_have_a_mean_and_no_interval() -> None:
    said = {"gsm8k": Told(MeanLogprob(-1.0, 8)), "math": Told(MeanLogprob(-0.5, 4))}
    assert worths((GOLD,), said, {}) == (Worth(-0.75, 12),)
    weighed = read_goals({"gold_logprob": {"gsm8k": 3, "math": 1}})
    assert worths(weighed, said, {})[0].value == pytest.approx(-0.875)


def test_a_goal_never_takes_one_kind_of_score_for_another() -> None:
    mixed = {"gsm8k": Told(wilson(3, 4)), "math": Told(MeanLogprob(-0.5, 4))}
    with pytest.raises(AssertionError, match="scored otherwise"):
        worths(read_goals({"mean": {"math": 1}}), mixed, {})
    found = worths(read_goals(["gsm8k", {"gold_logprob": {"math": 1}}]), mixed, {})  # type: ignore[arg-type]
    assert [each.value for each in found] == [0.75, -0.5]


def test_the_worst_slice_is_the_least_share_of_the_best_experts_accuracy() -> None:
    best = {"gsm8k": wilson(15, 20), "math": wilson(0, 20), "code": wilson(20, 20)}
    found = worth("worst_slice", {"gsm8k": (12, 20), "math": (3, 20), "code": (18, 20)}, best)
    assert (found.slice, found.n) == ("gsm8k", 20)
    assert found.value == pytest.approx(12.5 / 15.5)
    shares = [(12.5, 15.5), (3.5, 0.5), (18.5, 20.5)]
    errors = [sqrt(1 / own - 1 / 21 + 1 / other - 1 / 21) for own, other in shares]

    def ends(z: float) -> list[float]:
        return [exp(log(a / b) + z * error) for (a, b), error in zip(shares, errors, strict=True)]

    assert found.low == pytest.approx(min(ends(-Z))) == ends(-Z)[1], "math may be worst, for all one knows"
    assert found.high == pytest.approx(min(ends(NormalDist().inv_cdf(1 - 0.025 / 3))))


def test_a_slice_that_no_expert_answers_holds_nobody_back_and_whoever_answers_it_wins_by_it() -> None:
    best = {"gsm8k": wilson(0, 20)}
    assert worth("worst_slice", {"gsm8k": (0, 20)}, best).value == 1
    assert worth("worst_slice", {"gsm8k": (1, 20)}, best).value == 3


@pytest.mark.parametrize("right", [0, 1, 10, 19, 20])
def test_as_many_right_as_the_expert_is_all_of_its_worth(right: int) -> None:
    found = worth("worst_slice", {"gsm8k": (right, 20)}, {"gsm8k": wilson(right, 20)})
    assert found.value == 1
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 1 < found.high, "and few items never look certain"


def test_one_right_answer_more_is_always_worth_more() -> None:
    best = {"gsm8k": wilson(7, 20)}
    values = [worth("worst_slice", {"gsm8k": (right, 20)}, best).value for right in range(21)]
    assert values == sorted(set(values))


def test_tokens_are_those_of_a_generated_answer_on_average() -> None:
    said = told({"gsm8k": (1, 3), "math": (1, 4), "quiz": (2, 4)})
    said["gsm8k"] = Told(said["gsm8k"].score, Lengths(3, 30, 8**2 + 10**2 + 12**2))
    said["math"] = Told(said["math"].score, Lengths(4, 80, 4 * 20**2))
    (found,) = worths(read_goals("tokens"), said, {})
    assert (found.value, found.n) == (15, 7), "choices are no answers"
    half = Z * sqrt(4 / 3) / 2
    assert (found.low, found.high) == pytest.approx((15 - half, 15 + half))


def test_a_single_answer_says_nothing_of_how_lengths_vary() -> None:
    said = {"gsm8k": Told(wilson(1, 1), Lengths(1, 9, 81))}
    assert worths(read_goals("tokens"), said, {}) == (Worth(9, 1),)


def test_several_goals_are_one_number_each_in_their_order() -> None:
    said = told(RIGHT, gsm8k=Lengths(40, 400, 4000), math=Lengths(20, 100, 500))
    found = worths(read_goals(["math", "tokens", "accuracy"]), said, {})  # type: ignore[arg-type]
    assert [each.value for each in found] == [0.5, 7.5, 0.625]


def test_json_says_which_slice_is_worst_where_one_is_meant() -> None:
    assert Worth(0.5, 8, 0.2, 0.8).to_json() == {"value": 0.5, "n": 8, "low": 0.2, "high": 0.8}
    assert Worth(0.5, 8, 0.2, 0.8, "math").to_json()["slice"] == "math"


@pytest.mark.parametrize("said", ["accuracy", {"mean": {"a": 3, "b": 1, "c": 1}}, "worst_slice"])
def test_intervals_cover_the_truth(said: object) -> None:
    """Simulated, 64 items a slice, each expert best on a slice of its own; within the simulation's noise."""
    draw = random.Random(0)
    rates, experts, n = {"a": 0.55, "b": 0.3, "c": 0.8}, {"a": 0.7, "b": 0.35, "c": 0.9}, 64
    weights = dict(read_goals(said)[0].weighs(rates))  # type: ignore[arg-type]
    truth = sum(weights[name] * rate for name, rate in rates.items()) / sum(weights.values())
    if said == "worst_slice":
        truth = min(rate / experts[name] for name, rate in rates.items())

    def answers(rate: float) -> int:
        return sum(draw.random() < rate for _ in range(n))

    covered, rounds = 0, 1000
    for _ in range(rounds):
        best = {name: wilson(answers(rate), n) for name, rate in experts.items()}
        found = worth(said, {name: (answers(rate), n) for name, rate in rates.items()}, best)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered >= 0.93 * rounds


def test_accuracy_is_to_the_last_bit_what_it_was() -> None:
    draw = random.Random(1)
    for _ in range(200):
        right = {name: (draw.randint(0, 97), 97) for name in "abcde"}
        found = worths((ACCURACY,), told(right), {})
        assert found[0].value == fmean(wilson(*counts).mean for counts in right.values())
