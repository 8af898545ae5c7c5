"""How long the rest will take: a trial, and the verdict with an export, by what was measured so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.benchmarks.slices import Slice
from search.proposals.baselines import baselines
from search.running.search import Search, is_measured
from search.working.sharing import rounds

WRITING = 100e6
"""Bytes of a checkpoint that a slow disk takes in a second."""

SPARE = 1.1
"""As many times as long as was measured is kept for the verdict: machines have their moods."""

AROUND = 1.0
"""Seconds for what is measured nowhere: comparing finalists, telling the store, letting the engine go."""


@dataclass(frozen=True)
class Needed:
    """Seconds."""

    trial: float
    verdict: float
    """Of everybody who is still to be judged, and of an export of the best."""


def needed(search: Search, recent: Sequence[float], workers: int) -> Needed:
    """What a trial and the verdict take, shared out over `workers`.

    `recent` are the seconds that the last candidates took here for their search items, merging included.
    """
    space, workshop = search.workshop.space, search.workshop
    answering = _seconds(search, workshop.search_slices)
    trial = max(answering, *recent) if recent else answering
    merging = max(0.0, trial - answering)
    entrants = baselines(space)
    waiting = sum(not is_measured(search, each, workshop.holdout_slices) for each in entrants)
    turns = [math.ceil(each / max(1, workers)) for each in (waiting, workshop.spec.budget.finalists)]
    # A finalist is merged anew for each round. That one may be dropped earlier is not counted on.
    merges = turns[0] + turns[1] * len(rounds(workshop.holdout_slices))
    judging = merges * merging + sum(turns) * _seconds(search, workshop.holdout_slices)
    size = sum(info.nbytes for info in workshop.base.tensors.values())
    return Needed(trial, AROUND + SPARE * (judging + merging + size / WRITING))


def knows_holdout(search: Search) -> bool:
    """Whether anything tells how long holdout items take."""
    return all(_pace(search, part) is not None for part in search.workshop.holdout_slices)


def _seconds(search: Search, slices: Sequence[Slice]) -> float:
    """Of one candidate's answers; what nothing tells of counts as nothing."""
    return sum(len(part.items) * (_pace(search, part) or 0.0) for part in slices)


def _pace(search: Search, part: Slice) -> float | None:
    """Seconds an item, of the baselines: on the slice's own items, else on its items that steer."""
    timed = (part, *(each for each in search.workshop.search_slices if each.name == part.name))
    for each in timed:
        if each.scoring == part.scoring and (found := _measured_pace(search, each)) is not None:
            return found
    return None


def _measured_pace(search: Search, part: Slice) -> float | None:
    digests = [each.recipe.digest for each in baselines(search.workshop.space)]
    key = search.bench.key(part)
    seconds = sum(cost.seconds for cost in search.store.costs(digests, key).values())
    items = sum(tally.n for tally in search.store.tallies(digests, key).values())
    return seconds / items if items else None
