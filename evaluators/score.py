"""Verdicts as plain data, and the accuracy they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from evaluators.errors import EvaluatorsError


@dataclass(frozen=True)
class ItemResult:
    """What one candidate answered to one item, and the verdict."""

    item: int
    """0-based row of the item in the task's data."""
    correct: bool
    text: str
    """The completion, cut at the first stop string, or the choice; empty where neither was asked for."""
    tokens: int
    """Generated tokens, or those of the continuation that was scored."""
    seconds: float
    """The item's share of its batch's time, generation and grading."""
    prompt_hash: str
    extracted: str | None = None
    """The answer that the grader found in the text, if it looks for one."""
    logprob: float | None = None
    """Natural log-probability of the whole gold answer, where it was asked."""


@dataclass(frozen=True)
class Accuracy:
    """A share of correct items; it never travels without its n and its interval."""

    mean: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class MeanLogprob:
    """The mean over items of the gold answer's log-probability per token: natural log, at most 0.

    It orders candidates finely, and is no accuracy: it never stands where one is asked for.
    """

    mean: float
    n: int


def wilson(correct: int, n: int, level: float = 0.95) -> Accuracy:
    """Accuracy of `correct` out of `n` items with Wilson's score interval (1927).

    Raises EvaluatorsError when there are no items: an accuracy of nothing is unknown, not 0.
    """
    if n < 1 or not 0 <= correct <= n:
        raise EvaluatorsError(f"{correct} correct of {n} items is no accuracy; score at least one item first")
    z = NormalDist().inv_cdf((1 + level) / 2)
    mean = correct / n
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return Accuracy(mean, n, max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))
