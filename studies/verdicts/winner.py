"""What is told of the best merge that a search found, beside its comparisons with the baselines.

How far it is above the runner-up, and by how much search scores promised more than holdout items confirm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist, fmean
from typing import Any

from studies.verdicts.elimination import MOST_ROUNDS
from studies.verdicts.holdout import Holdout
from studies.verdicts.paired import Difference, Verdicts, paired_difference, simultaneous_level


@dataclass(frozen=True)
class Finalist:
    """A merge that the search found and that was asked holdout items."""

    name: str
    digest: str
    promised: float | None
    """Its mean accuracy on all search items; None where it was not chosen by that, or by another study."""


@dataclass(frozen=True)
class RunnerUp:
    """The next best merge, and how far the winner is above it on the items that both were asked."""

    name: str
    gain: Difference


@dataclass(frozen=True)
class Optimism:
    """Search score less holdout score, as a fraction, with its 95% interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Winner:
    """The best merge among the finalists."""

    name: str
    finalists: int
    """Different merges that were asked holdout items."""
    runner_up: RunnerUp | None
    optimism: Optimism | None
    """Of the winner; None where search scores are no accuracies."""
    mean_optimism: Optimism | None
    """On average over the finalists of its study, on the items that all of them were asked."""
    dropped: Mapping[str, int]
    """Finalists that were behind before they had been asked everything: by name, the items they answered."""
    items: int
    """Holdout items that judge."""

    def to_json(self) -> dict[str, Any]:
        """As a part of the winner's row; scores are fractions."""
        runner_up = self.runner_up
        return {
            "finalists": self.finalists,
            "dropped": dict(self.dropped),
            "runner_up": None if runner_up is None else {"name": runner_up.name, **asdict(runner_up.gain)},
            "optimism": None if self.optimism is None else asdict(self.optimism),
            "mean_optimism": None if self.mean_optimism is None else asdict(self.mean_optimism),
        }

    def against_runner_up(self) -> str:
        """A sentence, if there is a runner-up."""
        if self.runner_up is None:
            return ""
        return f" Against the runner-up ({self.runner_up.name}) it has {_points(self.runner_up.gain)}."

    def about_search(self) -> str:
        """Sentences on what its search score promised, and on whom it left behind."""
        said = ""
        if self.optimism is not None:
            said += f" Search score less holdout score: {self.name} {_points(self.optimism)}"
            if self.mean_optimism is not None:
                said += f", the finalists on average {_points(self.mean_optimism)}"
            said += "."
        if self.dropped:
            named = ", ".join(f"{name} after {asked}" for name, asked in self.dropped.items())
            said += f" Dropped as behind before all {self.items} holdout items were asked: {named}."
        return said


def crown(finalists: Sequence[Finalist], holdout: Holdout, *, ended: bool = True) -> Winner:
    """What is told of the first of these finalists, which are in the order of their rank, the judged first.

    The interval against the runner-up holds for all pairs of finalists together (Bonferroni), whichever two
    of them come out on top; against one that was dropped it holds after each of the rounds, too. `ended`:
    nobody is being asked any more, so that who was not asked everything was dropped.
    """
    first, *others = finalists
    promised = [each for each in finalists if each.promised is not None]
    # Which items all of them were asked was decided after one of the rounds, by what they had answered.
    looks = MOST_ROUNDS if any(each.digest in holdout.partly for each in promised) else 1
    average = optimism(promised, holdout, looks) if len(promised) > 1 else None
    dropped = {each.name: holdout.asked(each.digest) for each in others if each.digest in holdout.partly}
    return Winner(
        name=first.name,
        finalists=len(finalists),
        runner_up=_runner_up(first, others, holdout),
        optimism=None if first.promised is None else optimism([first], holdout, len(finalists)),
        mean_optimism=None if first.promised is None else average,
        dropped=dropped if ended else {},
        items=holdout.asked(first.digest),
    )


def optimism(finalists: Sequence[Finalist], holdout: Holdout, choices: int = 1) -> Optimism:
    """How much more these promised on average than they are worth, by the holdout items that all answered.

    What they promised is known; what they are worth is estimated by independent items, so the interval is
    that of the holdout mean: per slice the variance of what an item gave on average, after one item more of
    each outcome (as Agresti & Caffo 2000 have it for proportions), and a plain mean in the middle. Where one
    of several `choices` was made by these answers, the interval holds whichever it was (Bonferroni).
    """
    promised = fmean(each.promised for each in finalists if each.promised is not None)
    answers = [_answers(holdout, each.digest) for each in finalists]
    strata = [_shares([each[name] for each in answers]) for name in answers[0]]
    worth = fmean(map(fmean, strata))
    error = sqrt(sum(map(_variance, strata))) / len(strata)
    half = NormalDist().inv_cdf((1 + simultaneous_level(choices)) / 2) * error
    mean = promised - worth
    return Optimism(mean, mean - half, mean + half)


def _runner_up(first: Finalist, others: Sequence[Finalist], holdout: Holdout) -> RunnerUp | None:
    """Who comes next: of those that were asked everything the best, else who came furthest."""
    if not others:
        return None
    if whole := [each for each in others if each.digest in holdout.verdicts]:
        return RunnerUp(whole[0].name, _above(first, whole[0], holdout, len(others) + 1, 1))
    furthest = max(holdout.asked(each.digest) for each in others)
    gains = [
        RunnerUp(each.name, _above(first, each, holdout, len(others) + 1, MOST_ROUNDS))
        for each in others
        if holdout.asked(each.digest) == furthest
    ]
    return min(gains, key=lambda each: each.gain.mean)


def _above(first: Finalist, second: Finalist, holdout: Holdout, finalists: int, looks: int) -> Difference:
    level = simultaneous_level(looks * finalists * (finalists - 1) // 2)
    return paired_difference(_answers(holdout, first.digest), _answers(holdout, second.digest), level)


def _answers(holdout: Holdout, digest: str) -> Verdicts:
    return holdout.verdicts.get(digest) or holdout.partly[digest]


def _shares(of_slice: Sequence[Mapping[int, bool]]) -> list[float]:
    """By item that all were asked: the share of them who answered it correctly."""
    common = set(of_slice[0]).intersection(*of_slice[1:])
    return [fmean(items[item] for items in of_slice) for item in sorted(common)]


def _variance(shares: Sequence[float]) -> float:
    """Of a slice's mean."""
    n = len(shares) + 2
    mean = (sum(shares) + 1) / n
    return ((sum(share**2 for share in shares) + 1) / n - mean**2) / n


def _points(found: Difference | Optimism) -> str:
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    return f"{mean:+.1f} points (95% interval {low:+.1f} to {high:+.1f})"
