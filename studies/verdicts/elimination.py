"""Which finalists are so far behind, on items that all were asked, that further items are for the others."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist

from studies.verdicts.holdout import mean_accuracy
from studies.verdicts.paired import Verdicts, matched

ERROR = 0.1
"""In at most this share of studies is the finalist dropped that is truly the best."""
MOST_ROUNDS = 8
"""Holdout items are asked in so many rounds at most; after each but the last, finalists may be dropped."""


def remaining(answers: Mapping[str, Verdicts], finalists: int, looks: int) -> tuple[str, ...]:
    """Those that may yet be the best, in their order: not whoever is behind the leader beyond doubt.

    `answers`, by digest, are those of everybody who is left to the items that all were asked. There were
    `finalists` to begin with, and there will have been `looks` like this one: the best one may be found
    behind each of the others at each of the looks, and `ERROR` is shared out over these (Bonferroni).
    """
    if finalists < 2 or not looks:
        return tuple(answers)
    limit = NormalDist().inv_cdf(1 - ERROR / ((finalists - 1) * looks))
    leader = max(answers, key=lambda digest: mean_accuracy(answers[digest]))  # of equals the first
    return tuple(digest for digest in answers if lag(answers[digest], answers[leader]) < limit)


def lag(behind: Verdicts, ahead: Verdicts) -> float:
    """By how many standard errors one is behind another that may be no better, on the items of both.

    McNemar's statistic with Edwards' continuity correction; ties, however many, tell nothing. Over slices,
    each differing pair weighs one over the items of its slice. The variance is that of equals, which is never
    too small, so that few pairs do not look certain: `tests/studies/verdicts/test_elimination.py` holds it
    against the exact binomial tail.

    Raises StudiesError if the two share no item of a slice.
    """
    strata = [pairs for pairs in matched(ahead, behind) if pairs.won + pairs.lost]
    if not strata:
        return 0.0
    gap = sum((pairs.won - pairs.lost) / pairs.n for pairs in strata)
    half_a_step = max(1 / pairs.n for pairs in strata)
    return (gap - half_a_step) / sqrt(sum((pairs.won + pairs.lost) / pairs.n**2 for pairs in strata))
