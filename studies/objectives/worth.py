"""What a candidate is worth, goal by goal: pure functions of what its answers to each slice add up to.

Intervals are at 95%. Those of means join the slices' own (Wilson's for accuracies) by the method of variance
estimates recovery (Zou & Donner 2008, Statistics in Medicine 27:1693): of one slice it is the slice's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import exp, log, sqrt
from statistics import NormalDist, fmean
from typing import Any

from evaluators.score import Accuracy, MeanLogprob
from studies.objectives.goals import Goal, Goals
from studies.store.rows import Lengths


@dataclass(frozen=True)
class Told:
    """What a candidate's answers to all items of one slice add up to."""

    score: Accuracy | MeanLogprob
    lengths: Lengths | None = None
    """Of its answers, where they are generated."""


@dataclass(frozen=True)
class Worth:
    """What a candidate is worth by one goal, with its 95% interval; None where there is none."""

    value: float
    n: int
    """Items that it rests on."""
    low: float | None = None
    high: float | None = None
    slice: str | None = None
    """The worst one, where the worst is what counts."""

    def to_json(self) -> dict[str, Any]:
        """As leaderboards print it; `slice` only where one is meant."""
        return {name: value for name, value in asdict(self).items() if name != "slice" or value is not None}


def worths(goals: Goals, told: Mapping[str, Told], best: Mapping[str, Accuracy]) -> tuple[Worth, ...]:
    """What a candidate is worth by each goal, in their order.

    `told` is of every slice; `best` holds, by slice, the accuracy of the expert that is best on the same
    items, and is asked for the worst slice alone.
    """
    return tuple(_worth(goal, told, best) for goal in goals)


def _worth(goal: Goal, told: Mapping[str, Told], best: Mapping[str, Accuracy]) -> Worth:
    if goal.kind == "worst_slice":
        return _worst({name: _accuracy(each) for name, each in told.items()}, best)
    if goal.kind == "tokens":
        return _mean([_mean_length(each.lengths) for each in told.values() if each.lengths is not None], ())
    if not goal.weights:
        return _mean([_of_slice(each.score) for each in told.values()], ())
    scores = [told[name].score for name, _ in goal.weights]
    wanted = MeanLogprob if goal.kind == "gold_logprob" else Accuracy
    assert all(isinstance(score, wanted) for score in scores), f"{goal.name}: a slice is scored otherwise"
    return _mean([_of_slice(score) for score in scores], [weight for _, weight in goal.weights])


def _of_slice(score: Accuracy | MeanLogprob) -> Worth:
    if isinstance(score, MeanLogprob):
        return Worth(score.mean, score.n)
    return Worth(score.mean, score.n, score.low, score.high)


def _accuracy(told: Told) -> Accuracy:
    assert isinstance(told.score, Accuracy), "the worst slice is one of accuracies"
    return told.score


def _mean(parts: Sequence[Worth], weights: Sequence[float]) -> Worth:
    """The mean over slices; without weights all count alike."""
    counts = weights or (1.0,) * len(parts)
    total = sum(counts)
    # Without weights as ever, to the last bit: it decides what a sampler proposes next.
    mean = fmean((part.value for part in parts), weights or None)
    n, below, above = sum(part.n for part in parts), 0.0, 0.0
    for weight, part in zip(counts, parts, strict=True):
        if part.low is None or part.high is None:
            return Worth(mean, n)
        below += (weight / total * (part.value - part.low)) ** 2
        above += (weight / total * (part.high - part.value)) ** 2
    return Worth(mean, n, mean - sqrt(below), mean + sqrt(above))


def _mean_length(lengths: Lengths) -> Worth:
    """Tokens of an answer, with the normal interval of a mean."""
    n, mean = lengths.n, lengths.tokens / lengths.n
    if n < 2:
        return Worth(mean, n)
    variance = max(0.0, lengths.squares - n * mean * mean) / (n - 1)
    half = NormalDist().inv_cdf(0.975) * sqrt(variance / n)
    return Worth(mean, n, max(0.0, mean - half), mean + half)


def _worst(own: Mapping[str, Accuracy], best: Mapping[str, Accuracy]) -> Worth:
    """The least, over slices, of the accuracy as a share of the best expert's.

    Each accuracy is (right + 1/2) / (items + 1): so a slice of which no expert answers anything holds nobody
    back, and is no division by zero, and few right answers are not taken at their word (Walter 1975,
    Biometrika 62:371). The interval is that of the logarithm of each share, as if the two had been asked
    different items, which is too wide rather than too narrow; the upper end holds for all slices together
    (Bonferroni), for any of them may truly be the worst. That the best expert is chosen on these very items
    is not allowed for.
    """
    normal = NormalDist()
    upper = normal.inv_cdf(1 - 0.025 / len(own))
    shares: list[Worth] = []
    for name, accuracy in own.items():
        (rate, doubt), (others, theirs) = _rate(accuracy), _rate(best[name])
        ratio, error = rate / others, sqrt(doubt + theirs)
        low, high = (exp(log(ratio) + z * error) for z in (normal.inv_cdf(0.025), upper))
        shares.append(Worth(ratio, accuracy.n, low, high, name))
    worst = min(shares, key=lambda share: share.value)
    low, high = min(share.low or 0.0 for share in shares), min(share.high or 0.0 for share in shares)
    return Worth(worst.value, worst.n, low, high, worst.slice)


def _rate(score: Accuracy) -> tuple[float, float]:
    """The accuracy with half an item more right and half a one more wrong; the variance of its logarithm."""
    right, n = round(score.mean * score.n) + 0.5, score.n + 1
    return right / n, 1 / right - 1 / n
