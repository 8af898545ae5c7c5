"""What an objective says: which goals, of which slices, and which way is better."""

from __future__ import annotations

import pytest

from studies.objectives.goals import ACCURACY, GOLD, Goal, directions, goals_of, gold_slices, read_goals

SLICES = ("gsm8k", "math", "code")
WEIGHED = Goal("mean(gsm8k 2, math 0.5)", "accuracy", (("gsm8k", 2), ("math", 0.5)))


@pytest.mark.parametrize(
    ("said", "goals"),
    [
        ("accuracy", (ACCURACY,)),
        ("gold_logprob", (GOLD,)),
        ("worst_slice", (Goal("worst_slice", "worst_slice"),)),
        ({"mean": {"gsm8k": 2, "math": 0.5}}, (WEIGHED,)),
        (
            ["gsm8k", {"gold_logprob": {"code": 1}}, "tokens"],
            (
                Goal("gsm8k", "accuracy", (("gsm8k", 1.0),)),
                Goal("gold_logprob(code 1)", "gold_logprob", (("code", 1),)),
                Goal("tokens", "tokens"),
            ),
        ),
    ],
)
def test_an_objective_is_a_goal_or_several(said: object, goals: tuple[Goal, ...]) -> None:
    assert read_goals(said) == goals  # type: ignore[arg-type]


def test_a_study_that_says_nothing_wants_accuracy() -> None:
    assert goals_of({"study": {"name": "tiny"}}) == (ACCURACY,)
    assert goals_of({}) == (ACCURACY,), "a fusion's identity"
    assert goals_of({"study": {"objective": ["gsm8k", "tokens"]}})[1].kind == "tokens"


def test_all_are_driven_up_but_tokens() -> None:
    said = ["accuracy", "worst_slice", "tokens"]
    assert directions(read_goals(said)) == ("maximize", "maximize", "minimize")  # type: ignore[arg-type]


def test_a_mean_without_weights_looks_at_all_slices_alike() -> None:
    assert ACCURACY.weighs(SLICES) == {"gsm8k": 1, "math": 1, "code": 1}
    assert WEIGHED.weighs(SLICES) == {"gsm8k": 2, "math": 0.5}


def test_gold_answers_are_scored_of_the_slices_that_want_them() -> None:
    assert gold_slices((GOLD,), SLICES) == set(SLICES)
    assert gold_slices(read_goals(["gsm8k", {"gold_logprob": {"math": 1}}]), SLICES) == {"math"}  # type: ignore[arg-type]
    assert gold_slices((ACCURACY, WEIGHED), SLICES) == set()


def test_gold_answers_only_steer_and_accuracy_confirms() -> None:
    goal = Goal("gold_logprob(math 2)", "gold_logprob", (("math", 2),))
    assert goal.judged() == Goal("gold_logprob(math 2)", "accuracy", (("math", 2),))
    assert WEIGHED.judged() is WEIGHED
