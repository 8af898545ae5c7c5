import pytest

from evaluators.benchmarks.choices import GRADED_BY, pick

CHOICES = (" yes", " not at all", " né")


@pytest.mark.parametrize(
    ("grader", "logprobs", "chosen"),
    [
        ("acc", (-3.0, -4.0, -5.0), 0),
        ("acc_norm", (-3.0, -4.0, -5.0), 1),  # per character: -1, -0.4, -2.5
        ("acc_norm", (-3.0, -10.0, -1.9), 2),  # characters, not bytes: -1, -1, -0.95
        ("acc_norm_chat", (-3.0, -11.0, -2.4), 0),  # nothing is taken off: -0.75, -1, -0.8
        ("acc", (-2.0, -1.0, -1.0), 1),
        ("acc_norm", (-3.0, -10.0, -2.0), 0),
    ],
)
def test_the_likeliest_choice_wins_and_the_first_of_equals(grader, logprobs, chosen) -> None:
    assert pick(grader, CHOICES, logprobs) == chosen


def test_every_choice_needs_its_own_log_probability() -> None:
    for grader in GRADED_BY:
        with pytest.raises(ValueError, match="shorter"):
            pick(grader, CHOICES, (-1.0, -2.0))
