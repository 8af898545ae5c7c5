"""Trials: an unfinished one that nobody works on, else a new one, taken, measured and told."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace

from merging.errors import RecipeError
from search.errors import failure_kind
from search.proposals.baselines import Entrant
from search.proposals.ledger import Ledger
from search.running.ending import TimeUp
from search.running.search import Search, enter_race, finalists, here
from search.showing.step import Step
from search.working.failures import check_streak
from search.working.session import MOST_DEATHS, Session, Taken
from search.working.sharing import Task, judge_baselines, share_out
from search.working.verdict_time import Needed, knows_holdout, needed
from studies.errors import TrialClosed
from studies.store.presence import is_here
from studies.workers.holds import Hold, alone, drop, held, take
from studies.workers.register import living

logger = logging.getLogger(__name__)
DIED = "engine died"


@dataclass(frozen=True)
class Choice:
    """What there is to do for the one who asks."""

    number: int | None
    """The trial that it has taken; None: none is left for it."""
    hold: Hold | None
    others: int
    """Trials that others work on."""


def run_trials(session: Session) -> None:
    """Work on trials until there are as many as were asked for, and nobody works on one; or time is up."""
    _meet(session)
    with suppress(TimeUp):
        while session.unhurried(lambda: _next(session)):
            pass
    while session.clock.left > 0 and _choose(session, most=0).others:
        session.unhurried(session.wait)


def _meet(session: Session) -> None:
    """Wait until every other worker is known to live, or is buried.

    Else one whose machine is gone would hold a trial while the next is begun, which then knows less.
    """
    study = session.search.study
    unknown = {
        each.id: each.beats for each in living(session.search.store, study) if not is_here(each.process)
    }
    while unknown:
        session.unhurried(session.wait)
        beats = {each.id: each.beats for each in living(session.search.store, study)}
        unknown = {name: count for name, count in unknown.items() if beats.get(name) == count}


def _next(session: Session) -> bool:
    """Do one thing; returns whether there may be more to do."""
    session.halt()
    takes = _needed(session)
    fits = takes is None or session.clock.left > takes.trial + takes.verdict
    choice = _choose(session, most=session.trials if fits else 0)
    if choice.number is not None and choice.hold is not None:
        with session.holding(choice.hold, None if takes is None else takes.verdict):
            _run(session, choice.number, choice.hold)
    elif not choice.others:
        return False
    elif not judge_baselines(session):
        session.wait()
    return True


def _needed(session: Session) -> Needed | None:
    """What a trial and the verdict will take; None where no time ends the search."""
    if session.clock.left == float("inf"):
        return None
    if session.clock.left > 0 and not knows_holdout(session.search):
        judge_baselines(session)
    return needed(session.search, session.recent, 1 + session.others())


def _choose(session: Session, most: int) -> Choice:
    """Take an unfinished trial that nobody works on, else a new one while there are fewer than `most`."""
    search, ledger = session.search, session.search.ledger
    with alone(search.store, search.study):
        # Holds first: one that ends in between is then of a trial that is no longer unfinished.
        taken = held(search.store, search.study, "trials")
        standing = ledger.standing()
        nobodys = [number for number in standing.running if _name(number) not in taken]
        others = len(standing.running) - len(nobodys)
        if not most or standing.finished + others >= most:
            return Choice(None, None, others)
        number = nobodys[0] if nobodys else ledger.create()
        hold = take(search.store, session.worker, "trials", _name(number))
    # A server that is started again forgets who was alone: then somebody else may have been quicker.
    return Choice(number, hold, others) if hold is not None else Choice(None, None, others + 1)


def _name(number: int) -> str:
    return f"trial {number}"


def _run(session: Session, number: int, hold: Hold) -> None:
    search, ledger = session.search, session.search.ledger
    session.repeat("searching")
    step = Step("trials", 0, session.trials, hold.name)
    try:
        if hold.deaths >= MOST_DEATHS:
            step = _given_up(session, step, hold)
        else:
            step = session.unhurried(lambda: _try(session, number, step))
        _tell(ledger, number, step)
    except Taken:
        return
    except TrialClosed as error:  # by those who took this worker for dead
        logger.warning("%s", error)
        drop(search.store, session.worker, hold)
        return
    drop(search.store, session.worker, hold)
    session.report(replace(step, done=ledger.standing().finished))
    if step.score is None and not step.pruned:
        check_streak(session, step)
    else:
        session.streak.clear()


def _tell(ledger: Ledger, number: int, step: Step) -> None:
    if step.estimate is not None:
        ledger.prune(number, step.estimate, step.items - step.left)
    elif step.score is not None:
        ledger.tell(number, step.score)
    else:
        ledger.fail(number)


def _try(session: Session, number: int, step: Step) -> Step:
    search, workshop = session.search, session.search.workshop
    proposal = search.ledger.draw(number)
    try:
        recipe = workshop.space.decode(proposal.params)
    except RecipeError as error:
        return replace(step, reason=str(error), failure=failure_kind(error))
    search.ledger.note(number, recipe.digest)
    entrant = Entrant("trial", step.name, recipe, number)
    step = enter_race(search, entrant, step)
    session.recent.append(step.seconds)
    return step


def _given_up(session: Session, step: Step, hold: Hold) -> Step:
    """The step of a trial that nobody shall try again: whoever did so died."""
    search = session.search
    reason = "workers died or hung while they measured it, again and again"
    rows = {row.name for row in search.store.candidates(search.study) if row.kind == "trial"}
    if step.name in rows:
        search.store.finish_candidate(search.study, "trial", step.name, reason, DIED)
    return replace(step, reason=reason, failure=DIED)


def complete_one(session: Session) -> None:
    """Measure what is left of the stopped trial with the best estimate, if no trial is complete.

    Only complete ones are judged: what was asked of a stopped one is too little to choose by.
    """
    best = None if finalists(session.search, 1) else _best(session.search)
    if best is not None:
        step = Step("baselines", 1, 1, best.name)
        share_out(session, [Task(best, session.search.workshop.search_slices, step)])


def _best(search: Search) -> Entrant | None:
    """Of equals the earlier."""
    history = search.ledger.history
    history.refresh()
    rows = [row for row in search.store.candidates(search.study) if row.state == "pruned"]
    rated = [(history[row.trial].values[0], -row.trial, row) for row in rows if row.trial is not None]
    if not rated:
        return None
    row = max(rated, key=lambda each: each[:2])[2]
    return Entrant("trial", row.name, here(search, search.store.recipe(row.digest)), row.trial)
