"""From a study file to a verdict: start a study, or go on with one, until its budget is spent."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from search.errors import NothingSteers, SearchError
from search.proposals.ledger import open_ledger
from search.proposals.starting_points import starting_points
from search.running.interrupt import Interrupted, shielded
from search.running.known import Known, adopt_known
from search.running.measure import Bench
from search.running.outlook import baseline_scores, check_steered, idle_slices
from search.running.search import Search, run_baselines, run_holdout, run_trials
from search.running.workshop import Workshop, open_workshop, study_slices
from search.showing.display import Display
from search.showing.step import Step
from search.study_file.spec import StudySpec
from studies.store import StudyStore
from studies.store.lease import exclusive
from studies.verdicts.leaderboard import Row, build_leaderboard

logger = logging.getLogger(__name__)


def run_study(
    spec: StudySpec,
    url: str,
    display: Display,
    *,
    trials: int | None = None,
    hours: float | None = None,
    anyway: bool = False,
    known: Known | None = None,
) -> list[Row]:
    """Run, or continue, the study until its budget is spent and its best are judged; return the leaderboard.

    `trials` (in all) and `hours` (of this run) win over the study's budget; `anyway` begins a search that no
    slice steers, too. What is `known` of base and experts already is not measured again.

    Raises:
        NothingSteers: a search would begin that no slice steers, for on each the baselines answer no search
            item rightly, or every one; everything measured is kept.
        ValueError kin: what the user can put right, found before any work.
        Interrupted: Ctrl-C or SIGTERM; everything measured is kept and the study is marked stopped.
    """
    trials = spec.budget.trials if trials is None else trials
    hours = spec.budget.hours if hours is None else hours
    deadline = time.monotonic() + (float("inf") if hours is None else hours * 3600)
    with StudyStore(url) as store:
        workshop = open_workshop(spec)
        for long in workshop.long_prompts:
            logger.warning("%s", long)
        with closing(workshop.engine()) as engine:
            study = store.begin(spec.name, workshop.identity())
            with exclusive(store, spec.name), ending(store, study), shielded():
                bench = Bench(store, engine, setting=workshop.setting)
                search = _open_search(bench, study, url, workshop)
                adopt_known(workshop, bench, known or {})
                _search(search, display, trials, deadline, anyway)
        return build_leaderboard(store, spec.name)


def _search(search: Search, display: Display, trials: int, deadline: float, anyway: bool) -> None:
    store, study = search.store, search.study
    store.set_state(study, "searching")
    display.follow(_all_scored(run_baselines(search)))
    begins = not search.ledger.count() and time.monotonic() < deadline
    _tell_idle(search, refuse=begins and not anyway)
    display.follow(run_trials(search, trials, deadline), deadline=deadline)
    store.set_state(study, "judging")
    display.follow(_all_scored(run_holdout(search)))
    done = search.ledger.count(finished=True)
    short = f"time ran out after {done} of {trials} trials" if done < trials else None
    store.set_state(study, "complete", short)


def _tell_idle(search: Search, *, refuse: bool) -> None:
    """Say which slices steer nothing; where that is all of them, refuse to search if asked to."""
    workshop = search.workshop
    idle = idle_slices(workshop, baseline_scores(workshop, search.bench))
    for each in idle:
        logger.warning("%s", each)
    if refuse:
        check_steered(workshop, idle)


def _open_search(bench: Bench, study: int, url: str, workshop: Workshop) -> Search:
    store = bench.store
    store.add_slices(study, study_slices(workshop.slices, bench.key))
    spec, space = workshop.spec, workshop.space
    ledger = open_ledger(spec.name, url, spec.sampler, space.distributions, starting_points(space))
    return Search(store, study, workshop, workshop.worker, bench, ledger)


def _all_scored(steps: Iterator[Step]) -> Iterator[Step]:
    """Pass the steps on; one that fails ends the run, for a verdict needs every baseline and finalist."""
    for step in steps:
        yield step
        if step.score is None:
            raise SearchError(
                f"{step.name!r} could not be measured: {step.reason}; the same command tries again"
            )


@contextmanager
def ending(store: StudyStore, study: int) -> Iterator[None]:
    """Say in the store how a run ended that did not come to its end."""
    try:
        yield
    except (Interrupted, NothingSteers) as reason:
        store.set_state(study, "stopped", str(reason))
        raise
    except Exception as error:
        store.set_state(study, "failed", " ".join(str(error).split()) or type(error).__name__)
        raise
