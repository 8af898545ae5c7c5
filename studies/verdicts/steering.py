"""What steered a study's search: the candidates' scores by its goals, from the evidence alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from evaluators.score import Accuracy
from studies.objectives.goals import ACCURACY, Goals, goals_of
from studies.objectives.worth import Told, Worth, worths
from studies.store import StudyStore
from studies.store.rows import StudySlice
from studies.verdicts.scores import slice_scores

Score: TypeAlias = float | tuple[float, ...]
"""What a sampler is told of a candidate: its value by the study's goal, or by each of several."""


@dataclass(frozen=True)
class Yardstick:
    """What a study's candidates are scored by."""

    goals: Goals = (ACCURACY,)
    experts: tuple[str, ...] = ()
    """Their digests: whom slices are measured against."""


BY_ACCURACY = Yardstick()


def yardstick_of(store: StudyStore, study: int) -> Yardstick:
    """What steers a study that has begun; its experts only once all of them are candidates."""
    identity = store.identity(study)
    models = identity.get("models")
    experts = tuple(row.digest for row in store.candidates(study) if row.kind == "expert")
    known = isinstance(models, Mapping) and len(experts) == len(models) - 1
    return Yardstick(goals_of(identity), experts if known else ())


def score_of(found: Sequence[Worth]) -> Score:
    """A candidate's worths as samplers are told them."""
    return found[0].value if len(found) == 1 else tuple(each.value for each in found)


def search_scores(store: StudyStore, study: int, digests: Sequence[str]) -> dict[str, Score]:
    """By digest, the scores of a study's candidates that have answered all of its search items."""
    if not digests:
        return {}
    parts = [part for part in store.slices(study) if part.split == "search"]
    found = worths_of(store, yardstick_of(store, study), digests, parts)
    return {digest: score_of(each) for digest, each in found.items()}


def worths_of(
    store: StudyStore, yardstick: Yardstick, digests: Sequence[str], parts: Sequence[StudySlice]
) -> dict[str, tuple[Worth, ...]]:
    """By digest, the worth by each goal, of those who answered every item of these slices.

    Where slices are measured against the experts, nobody's is known before all experts have answered, too.
    """
    relative = any(goal.kind == "worst_slice" for goal in yardstick.goals)
    wanted = list(dict.fromkeys((*digests, *(yardstick.experts if relative else ()))))
    told = _told(store, yardstick.goals, wanted, parts) if wanted and parts else {}
    if relative and not (yardstick.experts and all(digest in told for digest in yardstick.experts)):
        return {}
    best = best_of([told[digest] for digest in yardstick.experts]) if relative else {}
    return {digest: worths(yardstick.goals, told[digest], best) for digest in digests if digest in told}


def best_of(experts: Sequence[Mapping[str, Told]]) -> dict[str, Accuracy]:
    """By slice, the accuracy of the expert that answers most of its items rightly."""
    found: dict[str, Accuracy] = {}
    for told in experts:
        for name, each in told.items():
            score = each.score
            if isinstance(score, Accuracy) and (name not in found or score.mean > found[name].mean):
                found[name] = score
    return found


def _told(
    store: StudyStore, goals: Goals, digests: Sequence[str], parts: Sequence[StudySlice]
) -> dict[str, dict[str, Told]]:
    """By digest and slice; who was not asked every item is left out."""
    found: dict[str, dict[str, Told]] = {digest: {} for digest in digests}
    long = any(goal.kind == "tokens" for goal in goals)
    for part in parts:
        scores = slice_scores(store, digests, part.digest, part.scoring)
        generated = long and part.scoring == "generate"
        lengths = store.lengths(digests, part.digest) if generated else {}
        for digest, score in scores.items():
            if score.n >= part.n:
                found[digest][part.name] = Told(score, lengths.get(digest))
    return {digest: told for digest, told in found.items() if len(told) == len(parts)}
