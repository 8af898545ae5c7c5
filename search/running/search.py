"""The search itself: baselines, trials, then judgement on holdout items.

Each step is asked of the evidence first: what the store already holds is not measured again, so the same
call starts a study, continues one that was interrupted, and returns at once from one that is complete.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from optuna.trial import Trial

from evaluators.benchmarks.slices import Slice
from evaluators.errors import EngineError
from merging.errors import CandidateError, RecipeError
from merging.worker import MergeWorker
from search.candidates.candidate import Sent
from search.proposals.baselines import Entrant, baselines
from search.proposals.ledger import RECIPE, Ledger
from search.running.measure import Bench
from search.running.workshop import Workshop
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


def run_baselines(search: Search) -> Iterator[Step]:
    """Measure what every merge has to beat on the search items."""
    entrants = baselines(search.workshop.space)
    for done, entrant in enumerate(entrants, 1):
        step = Step("baselines", done, len(entrants), entrant.name)
        yield _enter(search, entrant, search.workshop.search_slices, step)


def run_trials(search: Search, trials: int, deadline: float) -> Iterator[Step]:
    """Propose, measure and tell until `trials` are finished, or the monotonic clock passes `deadline`."""
    ledger = search.ledger
    while (done := ledger.count(finished=True)) < trials and time.monotonic() < deadline:
        trial = ledger.propose()
        step = _try(search, trial, Step("trials", done + 1, trials, f"trial {trial.number}"))
        if step.score is None:
            ledger.fail(trial)
        else:
            ledger.tell(trial, step.score)
        yield step


def run_holdout(search: Search) -> Iterator[Step]:
    """Judge the baselines, and the best trials by search score, on items that nothing has chosen by."""
    space, budget = search.workshop.space, search.workshop.spec.budget
    entrants = (*baselines(space), *finalists(search, budget.finalists))
    for done, entrant in enumerate(entrants, 1):
        step = Step("holdout", done, len(entrants), entrant.name)
        yield _measure(search, entrant, search.workshop.holdout_slices, step)


def finalists(search: Search, count: int) -> tuple[Entrant, ...]:
    """The best distinct trials by search score; of equals the earlier."""
    first: dict[str, Entrant] = {}
    known = {entrant.recipe.digest for entrant in baselines(search.workshop.space)}
    for row in search.store.candidates(search.study):
        if row.kind == "trial" and row.state == "complete" and row.digest not in known:
            entrant = Entrant("trial", row.name, search.store.recipe(row.digest), row.trial)
            first.setdefault(row.digest, entrant)
    slices = search.workshop.search_slices
    score = {digest: search.bench.score(digest, slices) for digest in first}
    return tuple(sorted(first.values(), key=lambda e: (-score[e.recipe.digest], e.trial or 0))[:count])


def _try(search: Search, trial: Trial, step: Step) -> Step:
    try:
        recipe = search.workshop.space.decode(trial.params)
    except RecipeError as error:
        return replace(step, reason=str(error))
    trial.set_user_attr(RECIPE, recipe.digest)
    entrant = Entrant("trial", step.name, recipe, trial.number)
    return _enter(search, entrant, search.workshop.search_slices, step)


def _enter(search: Search, entrant: Entrant, slices: Sequence[Slice], step: Step) -> Step:
    """Make one entrant a candidate and measure it; a failure is recorded with its reason."""
    recipe = entrant.recipe
    search.store.add_recipe(recipe)
    search.store.register_candidate(search.study, entrant.kind, entrant.name, entrant.trial, recipe.digest)
    step = _measure(search, entrant, slices, step)
    search.store.finish_candidate(search.study, entrant.kind, entrant.name, step.reason)
    return step


def _measure(search: Search, entrant: Entrant, slices: Sequence[Slice], step: Step) -> Step:
    began = time.monotonic()
    recipe, score, reason = entrant.recipe, None, None
    try:
        score = search.bench.measure(recipe.digest, Sent(recipe, here=search.worker), slices)
    except (CandidateError, EngineError) as error:
        reason = str(error)
    return replace(step, score=score, reason=reason, seconds=time.monotonic() - began)
