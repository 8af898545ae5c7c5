"""The best so far: each trial's score with its interval, goal by goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from studies.objectives.goals import Goal
from studies.objectives.worth import Worth
from studies.store import StudyStore
from studies.store.rows import CandidateState
from studies.verdicts.holdout import RIVALS
from studies.views.entries import Entry, Told, study_name, told_of
from studies.views.scored import scored
from studies.views.tallies import Tallies


@dataclass(frozen=True)
class CurvePoint:
    """One trial that has ended."""

    number: int
    name: str
    ended_at: datetime
    state: CandidateState
    score: float | None
    """None for one that failed or was stopped early."""
    low: float | None
    """95% interval; None where there is none."""
    high: float | None
    n: int
    """Items that the score rests on."""
    estimate: float | None
    """Of one that was stopped early: what all items would have given; no score."""
    best: float | None
    """The best score of this trial and all with smaller numbers."""


@dataclass(frozen=True)
class Curve:
    """One goal over a study's trials, in the order of their numbers."""

    goal: Goal
    points: tuple[CurvePoint, ...]
    baselines: Mapping[str, Worth]
    """By name: the base, each expert and the uniform merge, as far as they answered all search items."""


def curves(store: StudyStore, tallies: Tallies, study: int, after: int = -1) -> tuple[Curve, ...]:
    """A curve for each goal of the study; with the points of trials whose number lies beyond `after`."""
    found = scored(store, tallies, study)
    told = told_of(store, study_name(store, study))
    ended = sorted((each for each in found.trials if each.ended_at is not None), key=lambda e: e.trial or 0)
    worths = {each.digest: found.worths(each.digest) for each in ended if each.state == "complete"}
    beside = {each.name: found.worths(each.digest) for each in found.entries if each.kind in RIVALS}
    return tuple(
        Curve(
            goal,
            tuple(each for each in _points(goal, i, ended, worths, told) if each.number > after),
            {name: worth[i] for name, worth in beside.items() if worth is not None},
        )
        for i, goal in enumerate(found.goals)
    )


def _points(
    goal: Goal,
    place: int,
    ended: Sequence[Entry],
    worths: Mapping[str, tuple[Worth, ...] | None],
    told: Mapping[int, Told],
) -> Iterator[CurvePoint]:
    better, best = max if goal.direction == "maximize" else min, None
    for each in ended:
        worth, number = worths.get(each.digest) if each.state == "complete" else None, each.trial or 0
        own = None if worth is None else worth[place]
        if own is not None:
            best = own.value if best is None else better(best, own.value)
        said = told[number].values if number in told and each.state == "pruned" else ()
        yield CurvePoint(
            number=number,
            name=each.name,
            ended_at=each.changed_at,
            state=each.state,
            score=None if own is None else own.value,
            low=None if own is None else own.low,
            high=None if own is None else own.high,
            n=0 if own is None else own.n,
            estimate=said[place] if place < len(said) else None,
            best=best,
        )
