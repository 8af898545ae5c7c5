"""Which of several continuations counts as the answer, by their log-probabilities, as lm-eval reckons it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

DELIMITER = " "
"""What lm-eval puts between a question and each choice; a chat template leaves it away."""


def acc(choice: str, logprob: float) -> float:
    """lm-eval's `acc`: the log-probability as it is."""
    return logprob


def acc_norm(choice: str, logprob: float) -> float:
    """lm-eval's `acc_norm`: per character of the choice, whose delimiter is not counted."""
    return logprob / len(choice.removeprefix(DELIMITER))


def acc_norm_chat(choice: str, logprob: float) -> float:
    """`acc_norm` under a chat template, where a choice has no delimiter."""
    return logprob / len(choice)


GRADED_BY: Mapping[str, Callable[[str, float], float]] = {
    "acc": acc,
    "acc_norm": acc_norm,
    "acc_norm_chat": acc_norm_chat,
}
"""What makes a choice likely, by the name of a slice's grader."""


def pick(grader: str, choices: Sequence[str], logprobs: Sequence[float]) -> int:
    """Index of the likeliest choice under `grader`; the first of equally likely ones.

    `choices` are continuations as they were scored, their delimiter included.
    """
    worth = [GRADED_BY[grader](*each) for each in zip(choices, logprobs, strict=True)]
    return max(range(len(worth)), key=worth.__getitem__)
