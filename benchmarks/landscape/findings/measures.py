"""What curves of searches say over seeds: intervals, finals, how soon a level is reached, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.landscape.findings.rows import Row

RESAMPLES = 4000

Curve = Sequence[tuple[int, float]]
"""After how many items which holdout score stands."""


@dataclass(frozen=True)
class Span:
    """A value with its 95% interval, by the bootstrap over seeds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def curves(rows: Sequence[Row], landscape: str) -> dict[str, dict[int, Curve]]:
    """Entry by entry and seed by seed."""
    found: dict[str, dict[int, list[tuple[int, float]]]] = {}
    for row in rows:
        if row.landscape == landscape:
            found.setdefault(row.entry, {}).setdefault(row.seed, []).append((row.items, row.holdout))
    return {entry: {seed: sorted(each) for seed, each in seeds.items()} for entry, seeds in found.items()}


def at(curve: Curve, items: int) -> float:
    """The holdout score that stands after so many items; NaN before the first."""
    return max(((spent, score) for spent, score in curve if spent <= items), default=(0, float("nan")))[1]


def spanned(values: Sequence[float], statistic: str = "median") -> Span:
    """The median, or the mean, of values over seeds."""
    measure = np.median if statistic == "median" else np.mean
    drawn = np.random.RandomState(0).choice(np.array(values), (RESAMPLES, len(values)))
    low, high = np.percentile(measure(drawn, axis=1), [2.5, 97.5])
    return Span(float(measure(values)), float(low), float(high))


def finals(seeds: Mapping[int, Curve]) -> dict[int, float]:
    """By seed, the holdout score of what a search ended with."""
    return {seed: curve[-1][1] for seed, curve in seeds.items()}


def reached(seeds: Mapping[int, Curve], level: float) -> int | None:
    """After how many items the median over seeds stands at a level; None: never."""
    steps = sorted({items for curve in seeds.values() for items, _ in curve})
    return next(
        (n for n in steps if median(_or_nothing(at(curve, n)) for curve in seeds.values()) >= level), None
    )


def minus(values: Mapping[int, float], others: Mapping[int, float]) -> Span | None:
    """The mean difference on the seeds that both have; None where there are none."""
    both = sorted(values.keys() & others.keys())
    return spanned([values[seed] - others[seed] for seed in both], "mean") if both else None


def _or_nothing(score: float) -> float:
    return -1.0 if np.isnan(score) else score
