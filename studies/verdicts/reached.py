"""What each candidate reached of a study's goals, on search and holdout items; whom nobody beats in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.score import wilson
from studies.objectives.front import front, oriented
from studies.objectives.goals import ACCURACY, GOLD, Goals, directions
from studies.objectives.worth import Told, Worth, worths
from studies.store import StudyStore
from studies.store.rows import Lengths
from studies.verdicts.holdout import Holdout
from studies.verdicts.steering import best_of, worths_of
from studies.verdicts.together import Entered

PLAIN = ((ACCURACY,), (GOLD,))
"""Goals of which a leaderboard says all that there is to say without them."""
Worths = Mapping[str, tuple[Worth, ...]]
"""By digest, by goal."""


@dataclass(frozen=True)
class Reached:
    """What a candidate reached, by goal; None where not all items were asked."""

    goals: Goals
    search: tuple[Worth, ...] | None
    holdout: tuple[Worth, ...] | None
    search_front: bool | None = None
    """Whether nobody who answered all search items is better in all goals; None: there is one goal alone."""
    holdout_front: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """As leaderboards print it, under `objectives`: by the goal's name."""
        return {
            goal.name: {
                "direction": goal.direction,
                "search": None if self.search is None else self.search[i].to_json(),
                "holdout": None if self.holdout is None else self.holdout[i].to_json(),
            }
            for i, goal in enumerate(self.goals)
        }

    def front_to_json(self) -> dict[str, bool | None] | None:
        """As leaderboards print it, under `front`; null where there is one goal alone."""
        if len(self.goals) == 1:
            return None
        return {"search": self.search_front, "holdout": self.holdout_front}


def reach(store: StudyStore, entered: Sequence[Entered], holdout: Holdout) -> dict[str, Reached]:
    """By digest, what the candidates of these studies reached.

    Nobody is in it where the studies want accuracy or gold answers alone, or not the same.
    """
    goals = entered[0].yardstick.goals
    if goals in PLAIN or any(each.yardstick.goals != goals for each in entered):
        return {}
    search = {digest: found for each in entered for digest, found in _searched(store, each).items()}
    judged = _judged(store, entered, goals, holdout)
    leading, best = _front(goals, search), _front(goals, judged)
    several = len(goals) > 1
    return {
        digest: Reached(
            goals,
            search.get(digest),
            judged.get(digest),
            digest in leading if several and digest in search else None,
            digest in best if several and digest in judged else None,
        )
        for digest in {**search, **judged}
    }


def _searched(store: StudyStore, study: Entered) -> Worths:
    digests = [each.digest for each in study.candidates]
    return worths_of(store, study.yardstick, digests, study.parts("search"))


def _judged(store: StudyStore, entered: Sequence[Entered], goals: Goals, holdout: Holdout) -> Worths:
    """On the items that judge; gold answers only steer, and accuracy confirms."""
    goals = tuple(goal.judged() for goal in goals)
    lengths = {digest: of for each in entered for digest, of in _lengths(store, each).items()}
    told = {
        digest: {
            name: Told(wilson(sum(items.values()), len(items)), lengths.get(digest, {}).get(name))
            for name, items in verdicts.items()
        }
        for digest, verdicts in holdout.verdicts.items()
    }
    experts = [one.digest for each in entered for one in each.candidates if one.kind == "expert"]
    relative = any(goal.kind == "worst_slice" for goal in goals)
    if relative and not (experts and all(digest in told for digest in experts)):
        return {}
    best = best_of([told[digest] for digest in experts if digest in told])
    return {digest: worths(goals, found, best) for digest, found in told.items()}


def _lengths(store: StudyStore, study: Entered) -> dict[str, dict[str, Lengths]]:
    """By digest and slice, of answers that are generated."""
    digests = [each.digest for each in study.candidates]
    found: dict[str, dict[str, Lengths]] = {digest: {} for digest in digests}
    for part in study.parts("holdout"):
        if part.scoring == "generate":
            for digest, lengths in store.lengths(digests, part.digest).items():
                found[digest][part.name] = lengths
    return found


def _front(goals: Goals, found: Worths) -> set[str]:
    digests, ways = list(found), directions(goals)
    points = [oriented([worth.value for worth in found[digest]], ways) for digest in digests]
    return {digests[i] for i in front(points)}
