"""Baselines and judgement: candidates that are known beforehand, and shared out one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from search.errors import SearchError
from search.proposals.baselines import Entrant, baselines
from search.running.search import enter, is_measured, measure
from search.showing.step import Step
from search.working.session import Session, Taken, check_deaths
from studies.workers.holds import drop, take

Stage = Literal["baselines", "holdout"]


def share_out(session: Session, stage: Stage, entrants: Sequence[Entrant]) -> None:
    """Measure what nobody has measured and nobody else measures; return once all of them are.

    Raises SearchError for one that fails, for a verdict needs every baseline and finalist.
    """
    waiting = [Step(stage, done, len(entrants), each.name) for done, each in enumerate(entrants, 1)]
    by_name = {each.name: each for each in entrants}
    for step in [step for step in waiting if is_done(session, stage, by_name[step.name])]:
        session.report(_measured(session, by_name[step.name], step))
        waiting.remove(step)
    while waiting:
        session.unhurried(session.halt)
        left = [step for step in waiting if not attempt(session, by_name[step.name], step)]
        if left == waiting:
            session.unhurried(session.wait)
        waiting = left


def attempt(session: Session, entrant: Entrant, step: Step) -> bool:
    """Measure it, unless somebody else does just now; returns whether it is measured."""
    search, stage = session.search, step.phase
    assert stage in ("baselines", "holdout")
    if is_done(session, stage, entrant):
        return True
    hold = take(search.store, session.worker, stage, entrant.name)
    if hold is None:
        return False
    check_deaths(hold)
    try:
        with session.holding(hold):
            step = session.unhurried(lambda: _measured(session, entrant, step))
            drop(search.store, session.worker, hold)
    except Taken:
        return False
    session.report(step)
    if step.score is None:
        raise SearchError(f"{step.name!r} could not be measured: {step.reason}; the same command tries again")
    return True


def is_done(session: Session, stage: Stage, entrant: Entrant) -> bool:
    """Whether all is known of it that this stage wants to know."""
    search, workshop = session.search, session.search.workshop
    if stage == "holdout":
        return is_measured(search, entrant, workshop.holdout_slices)
    rows = search.store.candidates(search.study)
    complete = any(
        (row.kind, row.name, row.state) == (entrant.kind, entrant.name, "complete") for row in rows
    )
    return complete and is_measured(search, entrant, workshop.search_slices)


def judge_baselines(session: Session) -> bool:
    """Judge one of the baselines that nobody has judged; returns whether there was one."""
    entrants = baselines(session.search.workshop.space)
    for done, each in enumerate(entrants, 1):
        step = Step("holdout", done, len(entrants), each.name)
        if not is_done(session, "holdout", each) and attempt(session, each, step):
            return True
    return False


def _measured(session: Session, entrant: Entrant, step: Step) -> Step:
    search, workshop = session.search, session.search.workshop
    if step.phase == "holdout":
        return measure(search, entrant, workshop.holdout_slices, step)
    known = is_measured(search, entrant, workshop.search_slices)
    step = enter(search, entrant, workshop.search_slices, step)
    if not known:
        session.recent.append(step.seconds)
    return step
