"""Small figures between words: where things lie on a line, in the units of an SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from studies.verdicts.holdout import FOUND
from studies.verdicts.leaderboard import Row
from studies.verdicts.paired import Difference
from studies.views.spent import Spent

WIDTH = 160.0
MARGIN = 4.0


@dataclass(frozen=True)
class Scale:
    """From values to places between two margins."""

    low: float
    high: float
    width: float = WIDTH

    @classmethod
    def over(cls, values: Iterable[float], *, zero: bool = False) -> Scale:
        """From the least to the greatest; with `zero`, that among them."""
        found = [*values, *((0.0,) if zero else ())]
        low, high = min(found), max(found)
        return cls(low, high) if high > low else cls(low - 0.01, high + 0.01)

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(MARGIN + share * (self.width - 2 * MARGIN), 1)


@dataclass(frozen=True)
class Share:
    """A stretch of a bar that is 100 long."""

    name: str
    seconds: float
    start: float
    length: float


@dataclass(frozen=True)
class Promise:
    """What a finalist promised by search items, and what holdout items confirm; fractions."""

    name: str
    search: float
    holdout: float
    asked: int
    """Search items."""
    judged: int
    """Holdout items."""


GAINS: tuple[tuple[str, Callable[[Row], Difference | None]], ...] = (
    ("vs base", lambda row: row.vs_base),
    ("vs best expert", lambda row: row.vs_best_expert),
    ("vs uniform", lambda row: row.vs_uniform),
    ("vs best raw model", lambda row: row.vs_best_model),
    ("vs target", lambda row: row.vs_target),
)
"""What merges are compared with, in the order of the columns."""


@dataclass(frozen=True)
class Gains:
    """The comparisons of a table, on one scale with zero on it."""

    titles: tuple[str, ...]
    of: Mapping[str, tuple[Difference | None, ...]]
    """By the candidate's name."""
    scale: Scale


def gains(rows: Sequence[Row]) -> Gains:
    """The comparisons that somebody has been through."""
    kept = [(title, told) for title, told in GAINS if any(told(row) is not None for row in rows)]
    of = {row.name: tuple(told(row) for _, told in kept) for row in rows}
    ends = [end for found in of.values() for each in found if each for end in (each.low, each.high)]
    return Gains(tuple(title for title, _ in kept), of, Scale.over(ends, zero=True))


def stretches(spent: Spent) -> list[Share]:
    """Of a trial on average, what its time went to."""
    mean = spent.mean
    if mean is None or not mean.total:
        return []
    named = {"proposing": mean.proposing or 0.0, "answering": mean.answering, "the rest": mean.other}
    found, start = [], 0.0
    for name, seconds in named.items():
        length = 100 * seconds / mean.total
        found.append(Share(name, seconds, round(start, 2), round(length, 2)))
        start += length
    return found


def promises(rows: Sequence[Row], slices: Sequence[str]) -> list[Promise]:
    """Of judged merges that the search found, whose search scores are accuracies over the same slices."""
    found = []
    for row in rows:
        if row.holdout_mean is None or row.kind not in FOUND or set(row.search) != set(slices):
            continue
        means = [score.mean for score in row.search.values() if hasattr(score, "low")]
        if len(means) == len(slices) and means:
            asked = sum(score.n for score in row.search.values())
            judged = sum(score.n for score in row.holdout.values())
            found.append(Promise(row.name, sum(means) / len(means), row.holdout_mean, asked, judged))
    return found
