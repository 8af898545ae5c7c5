"""The loop that every worker runs, however it was started: take what is to be done, until nothing is left.

What is to be done next is found in the database alone: baselines, then trials, then judgement. So the same
call starts a study, goes on with one that was interrupted, and works beside others that run it, too.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial

from search.proposals.samplers.choice import too_small
from search.running.anew import Earlier, begin_anew
from search.running.ending import Halted
from search.running.interrupt import rest, shielded
from search.running.known import Known, adopt_known
from search.running.measure import Bench
from search.running.outlook import baseline_scores, check_steered, faint_slices, idle_slices
from search.running.search import Search, finalists, open_search
from search.running.workshop import Workshop, open_workshop
from search.showing.step import Step
from search.study_file.began import as_begun
from search.study_file.spec import StudySpec
from search.working.child import STORAGE
from search.working.failures import failed_trials
from search.working.session import Session, at_work, pace_before
from search.working.sharing import judge, measure_baselines
from search.working.terms import Clock, Terms, start_clock
from search.working.trials import complete_one, run_trials
from studies.errors import WorkerLost
from studies.store import StudyStore
from studies.workers.holds import alone

logger = logging.getLogger(__name__)
FAKE = "fake"
EVERY_STUDY = 0


def work(
    spec: StudySpec,
    url: str,
    terms: Terms,
    report: Callable[[Step], None],
    known: Known | None = None,
    say: Callable[[str], None] = logger.warning,
) -> str:
    """Work on a study, beside whoever else does; return "complete", or "stopped" if that was asked for.

    `report` is called, in this thread, with each candidate that is done. What is `known` of base and experts
    already is not measured again. `say` is called with a line about the search; by default, it is logged.

    Raises:
        NothingSteers: a search would begin that no slice steers, for on each the baselines answer no search
            item rightly, or every one. Hopeless: trials fail one after another.
        ValueError kin: what the user can put right, found before any work; or a baseline failed.
        Interrupted: Ctrl-C or SIGTERM. Whatever ends it, everything measured is kept.
    """
    clock = start_clock(terms, spec.budget)
    with StudyStore(url) as store:
        store.wait = rest
        workshop = open_workshop(as_begun(spec, store))
        for long in workshop.long_prompts:
            logger.warning("%s", long)
        _check_same(store, workshop)
        with closing(workshop.engine()) as engine:
            study = store.begin(spec.name, workshop.identity())
            bench = Bench(store, engine, setting=workshop.setting, minutes=spec.budget.trial_minutes)
            bench.yardstick = workshop.yardstick
            with shielded():
                with alone(store, EVERY_STUDY):  # Optuna's tables are made once for all
                    search = open_search(bench, study, url, workshop, terms.warm_start)
                    _tell_sampler(search, terms, say)
                    adopt_known(workshop, bench, known or {})
                with closing(search.ledger):
                    return _work(search, _begun(search, url, terms, clock), clock, report)


def _begun(search: Search, url: str, terms: Terms, clock: Clock) -> Terms:
    """Terms that tell what had failed when the command began; its process may be put in another's place."""
    if terms.failed is None:
        terms = replace(terms, failed=failed_trials(search.store, search.study))
    else:
        search.bench.meter.pace = pace_before(search.store, search.study, terms)
    if terms.anew:
        known = Earlier(terms.failed or (), None if clock.end == math.inf else clock.end)
        search.bench.anew = partial(begin_anew, known, {STORAGE: url})
    return terms


def _check_same(store: StudyStore, workshop: Workshop) -> None:
    """Refuse another study of the same name before an engine is started for it."""
    if workshop.spec.name in (each.name for each in store.studies()):
        store.begin(workshop.spec.name, workshop.identity())


def _tell_sampler(search: Search, terms: Terms, say: Callable[[str], None]) -> None:
    """Say what `auto` is for this study, and that a budget is too small for the space."""
    if terms.index != 0:
        return
    ledger, spec = search.ledger, search.workshop.spec
    if ledger.choice.why is not None:
        say(f"sampler {ledger.choice}")
    if (small := too_small(ledger.distributions, spec.budget.trials)) is not None:
        logger.warning("%s", small)


def _work(search: Search, terms: Terms, clock: Clock, report: Callable[[Step], None]) -> str:
    while True:
        try:
            with at_work(search, terms, clock, report) as session:
                _study(session)
                return "complete"
        except WorkerLost as lost:
            logger.warning("%s; it joins again", lost)
        except Halted:
            return "stopped"


def _study(session: Session) -> None:
    search = session.search
    if not session.others():
        session.say("searching")
    measure_baselines(session)
    begins = not search.ledger.standing().begun and session.clock.left > 0
    _tell_idle(session, refuse=begins and not session.terms.anyway)
    run_trials(session)
    complete_one(session)
    judge(session, finalists(search, search.workshop.spec.budget.finalists))
    session.clear_up()
    done = search.ledger.standing().finished
    short = f"time ran out after {done} of {session.trials} trials" if done < session.trials else None
    session.say("complete", short)


def _tell_idle(session: Session, *, refuse: bool) -> None:
    """Say which slices steer nothing; where that is all of them, refuse to search if asked to.

    What the fake engine says of its slices means nothing.
    """
    workshop = session.search.workshop
    if workshop.spec.engine.name == FAKE:
        return
    scores = baseline_scores(workshop, session.search.bench)
    idle = idle_slices(workshop, scores)
    for each in (*idle, *faint_slices(workshop, scores)) if session.terms.index == 0 else ():
        logger.warning("%s", each)
    if refuse:
        check_steered(workshop, idle)
