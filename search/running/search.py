"""What a search does with one candidate: make it one, measure it, remember how that went.

Whatever the store already holds is not measured again. Who takes which candidate, and when, is decided in
`search/working/`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evaluators.benchmarks.slices import Slice
from evaluators.errors import EngineError
from merging.errors import CandidateError
from merging.recipe import Recipe
from merging.worker import MergeWorker
from search.candidates.candidate import Sent
from search.errors import failure_kind
from search.proposals.baselines import Entrant, baselines
from search.proposals.ledger import Ledger, open_ledger
from search.running.beginning import begin
from search.running.measure import Bench
from search.running.racing.race import open_race, run_race
from search.running.workshop import Workshop, study_slices
from search.showing.step import Step
from studies.objectives.front import foremost, oriented
from studies.store import StudyStore


@dataclass(frozen=True)
class Search:
    """A study being run: its row in the store, its models and items, and where they are measured."""

    store: StudyStore
    study: int
    workshop: Workshop
    worker: MergeWorker
    bench: Bench
    ledger: Ledger


def open_search(
    bench: Bench, study: int, url: str, workshop: Workshop, warm_start: str | None = None
) -> Search:
    """A study of the bench's store, its slices and Optuna's ledger made known; one process at a time.

    Raises:
        SearchError, StudyNotFound: it cannot begin with the best trials of the study that `warm_start` names.
    """
    store, spec, space = bench.store, workshop.spec, workshop.space
    store.add_slices(study, study_slices(workshop.slices, bench.key))
    ledger = open_ledger(
        spec.name,
        url,
        spec.sampler,
        space.distributions,
        (),
        like=store,
        directions=spec.directions,
        budget=spec.budget.trials,
    )
    begin(ledger, store, workshop, warm_start)
    return Search(store, study, workshop, workshop.worker, bench, ledger)


def enter(search: Search, entrant: Entrant, slices: Sequence[Slice], step: Step) -> Step:
    """Make one entrant a candidate and measure it; a failure is recorded with its reason."""
    return _entered(search, entrant, step, lambda: measure(search, entrant, slices, step))


def enter_race(search: Search, entrant: Entrant, step: Step) -> Step:
    """Make one entrant a candidate, and measure it as far as it takes to know that it is not the best.

    What was measured of one that is stopped is kept: `enter` measures the rest.
    """
    return _entered(search, entrant, step, lambda: _race(search, entrant, step))


def _entered(search: Search, entrant: Entrant, step: Step, measured: Callable[[], Step]) -> Step:
    who = (search.study, entrant.kind, entrant.name)
    search.store.enter(*who, entrant.trial, entrant.recipe)
    step = measured()
    if step.reason is not None and not step.pruned:
        search.bench.vouch()
    search.store.finish_candidate(*who, step.reason, step.failure, pruned=step.pruned)
    return step


def _race(search: Search, entrant: Entrant, step: Step) -> Step:
    bench, workshop, digest = search.bench, search.workshop, entrant.recipe.digest
    race = open_race(workshop, bench, search.study, digest)
    if race is None:
        return measure(search, entrant, workshop.search_slices, step)

    def raced() -> Step:
        finish = run_race(bench, digest, Sent(entrant.recipe, here=search.worker), race)
        asked = replace(step, items=race.items, left=race.items - finish.estimate.items)
        if finish.block is None:
            return replace(asked, score=bench.score(digest, workshop.search_slices))
        return replace(asked, pruned=True, reason=race.reason(finish), estimate=finish.estimate.value)

    return _timed(search, step, raced)


def measure(search: Search, entrant: Entrant, slices: Sequence[Slice], step: Step) -> Step:
    """Ask the entrant what the store does not know of it; a failure is in the step."""
    recipe = entrant.recipe
    source = Sent(recipe, here=search.worker)
    return _timed(
        search, step, lambda: replace(step, score=search.bench.measure(recipe.digest, source, slices))
    )


def _timed(search: Search, step: Step, measured: Callable[[], Step]) -> Step:
    """What the call returns, or the step with the failure that it raises, with the seconds that it took."""
    began, absent = time.monotonic(), search.store.outage.seconds
    try:
        step = measured()
    except (CandidateError, EngineError) as error:
        step = replace(step, reason=str(error), failure=failure_kind(error))
    # How long the next one will take: the store will not be away again.
    seconds = time.monotonic() - began - (search.store.outage.seconds - absent)
    return replace(step, seconds=seconds)


def is_measured(search: Search, entrant: Entrant, slices: Sequence[Slice]) -> bool:
    """Whether the store holds an answer of it to every item."""
    store, digest = search.store, entrant.recipe.digest
    known = ((part, store.measured(digest, search.bench.key(part))) for part in slices)
    return all(items.issuperset(item.index for item in part.items) for part, items in known)


def finalists(search: Search, count: int) -> tuple[Entrant, ...]:
    """The best distinct trials by search score; of equals the earlier.

    Where a study has several objectives, those of the Pareto front that together dominate most.
    """
    first: dict[str, Entrant] = {}
    known = {entrant.recipe.digest for entrant in baselines(search.workshop.space)}
    rows = (row for row in search.store.candidates(search.study) if row.kind == "trial")
    for row in sorted(rows, key=lambda row: row.trial or 0):
        if row.state == "complete" and row.digest not in known and row.digest not in first:
            recipe = here(search, search.store.recipe(row.digest))
            first[row.digest] = Entrant("trial", row.name, recipe, row.trial)
    ways, slices = search.workshop.spec.directions, search.workshop.search_slices
    scores = [search.bench.score(digest, slices) for digest in first]
    return tuple(list(first.values())[i] for i in foremost([oriented(each, ways) for each in scores], count))


def here(search: Search, recipe: Recipe) -> Recipe:
    """The same recipe with its models where they lie for this worker: another may have found it elsewhere."""
    space = search.workshop.space
    found = replace(
        recipe,
        base=space.base,
        experts=space.experts,
        tokenizer_source=space.tokenizer_source,
        config_source=space.config_source,
    )
    return found if found.digest == recipe.digest else recipe
