"""What a search does with one candidate: make it one, measure it, remember how that went.

Whatever the store already holds is not measured again. Who takes which candidate, and when, is decided in
`search/working/`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from search.proposals.starting_points import starting_points
from search.running.measure import Bench
from search.running.workshop import Workshop, study_slices
from search.showing.step import Step
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


def open_search(bench: Bench, study: int, url: str, workshop: Workshop) -> Search:
    """A study of the bench's store, its slices and Optuna's ledger made known; one process at a time."""
    store, spec, space = bench.store, workshop.spec, workshop.space
    store.add_slices(study, study_slices(workshop.slices, bench.key))
    points = starting_points(space)
    ledger = open_ledger(spec.name, url, spec.sampler, space.distributions, points, like=store)
    return Search(store, study, workshop, workshop.worker, bench, ledger)


def enter(search: Search, entrant: Entrant, slices: Sequence[Slice], step: Step) -> Step:
    """Make one entrant a candidate and measure it; a failure is recorded with its reason."""
    recipe = entrant.recipe
    search.store.enter(search.study, entrant.kind, entrant.name, entrant.trial, recipe)
    step = measure(search, entrant, slices, step)
    if step.reason is not None:
        search.bench.vouch()
    search.store.finish_candidate(search.study, entrant.kind, entrant.name, step.reason, step.failure)
    return step


def measure(search: Search, entrant: Entrant, slices: Sequence[Slice], step: Step) -> Step:
    """Ask the entrant what the store does not know of it; a failure is in the step."""
    began, absent = time.monotonic(), search.store.outage.seconds
    recipe, score, reason, failure = entrant.recipe, None, None, None
    try:
        score = search.bench.measure(recipe.digest, Sent(recipe, here=search.worker), slices)
    except (CandidateError, EngineError) as error:
        reason, failure = str(error), failure_kind(error)
    # How long the next one will take: the store will not be away again.
    seconds = time.monotonic() - began - (search.store.outage.seconds - absent)
    return replace(step, score=score, reason=reason, failure=failure, seconds=seconds)


def is_measured(search: Search, entrant: Entrant, slices: Sequence[Slice]) -> bool:
    """Whether the store holds an answer of it to every item."""
    store, digest = search.store, entrant.recipe.digest
    parts = ((part, store.tallies([digest], search.bench.key(part))[digest].n) for part in slices)
    return all(n >= len(part.items) for part, n in parts)


def finalists(search: Search, count: int) -> tuple[Entrant, ...]:
    """The best distinct trials by search score; of equals the earlier."""
    first: dict[str, Entrant] = {}
    known = {entrant.recipe.digest for entrant in baselines(search.workshop.space)}
    rows = (row for row in search.store.candidates(search.study) if row.kind == "trial")
    for row in sorted(rows, key=lambda row: row.trial or 0):
        if row.state == "complete" and row.digest not in known and row.digest not in first:
            recipe = _here(search, search.store.recipe(row.digest))
            first[row.digest] = Entrant("trial", row.name, recipe, row.trial)
    slices = search.workshop.search_slices
    score = {digest: search.bench.score(digest, slices) for digest in first}
    return tuple(sorted(first.values(), key=lambda e: (-score[e.recipe.digest], e.trial or 0))[:count])


def _here(search: Search, recipe: Recipe) -> Recipe:
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
