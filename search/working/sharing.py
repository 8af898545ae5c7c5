"""Baselines and judgement: candidates that are known beforehand, and shared out one by one.

Baselines answer everything; finalists answer holdout items round by round, for as long as they may be best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evaluators.benchmarks.slices import Slice
from evaluators.judge import BATCH
from search.errors import SearchError
from search.proposals.baselines import Entrant, baselines
from search.running.search import Search, enter, is_measured, measure
from search.showing.step import Step
from search.working.session import Session, Taken, check_deaths
from studies.verdicts.elimination import MOST_ROUNDS, remaining
from studies.verdicts.paired import Verdicts
from studies.verdicts.reached import PLAIN
from studies.workers.holds import drop, take

Stage = Literal["baselines", "holdout"]


@dataclass(frozen=True)
class Task:
    """One candidate, and what it is to be asked in one go."""

    entrant: Entrant
    slices: tuple[Slice, ...]
    step: Step
    """How it is told when it is done; its phase is the stage."""
    told: bool = True
    """Whether it is; else there is more to come of this candidate."""

    @property
    def stage(self) -> Stage:
        """What it belongs to."""
        assert self.step.phase in ("baselines", "holdout")
        return self.step.phase


def measure_baselines(session: Session) -> None:
    """Have the baselines answer the search items, before any trial; raises SearchError for one that fails."""
    entrants, slices = baselines(session.search.workshop.space), session.search.workshop.search_slices
    steps = (Step("baselines", done, len(entrants), each.name) for done, each in enumerate(entrants, 1))
    share_out(session, [Task(each, slices, step) for each, step in zip(entrants, steps, strict=True)])


def judge(session: Session, finalists: Sequence[Entrant]) -> None:
    """Have everybody asked what the verdict needs; after each round, finalists that are behind are dropped.

    Behind is who has the lower accuracy: where a study wants something else, all are asked everything.
    Who goes on is found in the evidence alone, so that all workers find the same, whenever they come. Raises
    SearchError for one that fails.
    """
    workshop = session.search.workshop
    known, parts = baselines(workshop.space), workshop.holdout_slices
    total = len(known) + len(finalists)
    asked = rounds(parts) if workshop.spec.goals in PLAIN else (parts,)
    own = [_task(each, asked[-1], done, total) for done, each in enumerate(known, 1)]
    left, done = tuple(finalists), len(known)
    for number, slices in enumerate(asked, 1):
        if number == len(asked) or len(left) < 2:
            break
        _say(session, f"round {number} of {len(asked)}, {len(left)} of {len(finalists)} finalists left")
        share_out(session, [*own, *(_task(each, slices, 0, total, told=False) for each in left)])
        own, before = [], left
        left = _remaining(session.search, left, slices, len(finalists), len(asked) - 1)
        for each in (each for each in before if each not in left):
            done += 1
            _tell_dropped(session, each, slices, done, total)
    _say(session, "last round" if len(asked) > 1 else None)
    share_out(session, [*own, *(_task(each, asked[-1], done + i, total) for i, each in enumerate(left, 1))])


def rounds(slices: Sequence[Slice]) -> tuple[tuple[Slice, ...], ...]:
    """What has been asked by the end of each round: the first items of every slice, by whole batches.

    Slices come to their end together. Their items lie in an order that their seed drew, so the first ones are
    a sample of all. Batches are those of a slice that is asked in one go: answers do not depend on rounds.
    """
    batches = [math.ceil(len(part.items) / BATCH) for part in slices]
    count = min(MOST_ROUNDS, max(batches))
    return tuple(
        tuple(
            replace(part, items=part.items[: BATCH * math.ceil(own * number / count)])
            for part, own in zip(slices, batches, strict=True)
        )
        for number in range(1, count + 1)
    )


def share_out(session: Session, tasks: Sequence[Task]) -> None:
    """Measure what nobody has measured and nobody else measures; return once all of them are.

    Raises SearchError for one that fails, for a verdict needs every baseline and finalist.
    """
    waiting = list(tasks)
    for task in [task for task in waiting if is_done(session, task)]:
        _tell(session, task, _measured(session, task))
        waiting.remove(task)
    while waiting:
        session.unhurried(session.halt)
        left = [task for task in waiting if not attempt(session, task)]
        if left == waiting:
            session.unhurried(session.wait)
        waiting = left


def attempt(session: Session, task: Task) -> bool:
    """Measure it, unless somebody else does just now; returns whether it is measured."""
    search = session.search
    if is_done(session, task):
        return True
    hold = take(search.store, session.worker, task.stage, task.entrant.name)
    if hold is None:
        return False
    check_deaths(hold)
    try:
        with session.holding(hold):
            step = session.unhurried(lambda: _measured(session, task))
            drop(search.store, session.worker, hold)
    except Taken:
        return False
    _tell(session, task, step)
    if step.score is None:
        raise SearchError(f"{step.name!r} could not be measured: {step.reason}; the same command tries again")
    return True


def is_done(session: Session, task: Task) -> bool:
    """Whether all is known of it that is to be known."""
    search, entrant = session.search, task.entrant
    if task.stage == "holdout":
        return is_measured(search, entrant, task.slices)
    rows = search.store.candidates(search.study)
    complete = any(
        (row.kind, row.name, row.state) == (entrant.kind, entrant.name, "complete") for row in rows
    )
    return complete and is_measured(search, entrant, task.slices)


def judge_baselines(session: Session) -> bool:
    """Judge one of the baselines that nobody has judged; returns whether there was one."""
    entrants, slices = baselines(session.search.workshop.space), session.search.workshop.holdout_slices
    for done, each in enumerate(entrants, 1):
        task = Task(each, slices, Step("holdout", done, len(entrants), each.name))
        if not is_done(session, task) and attempt(session, task):
            return True
    return False


def _measured(session: Session, task: Task) -> Step:
    search, entrant = session.search, task.entrant
    if task.stage == "holdout":
        return measure(search, entrant, task.slices, task.step)
    known = is_measured(search, entrant, task.slices)
    step = enter(search, entrant, task.slices, task.step)
    if not known:
        session.recent.append(step.seconds)
    return step


def _tell(session: Session, task: Task, step: Step) -> None:
    if task.told or step.score is None:
        session.report(step)


def _task(entrant: Entrant, slices: Sequence[Slice], done: int, total: int, *, told: bool = True) -> Task:
    return Task(entrant, tuple(slices), Step("holdout", done, total, entrant.name), told)


def _remaining(
    search: Search, left: Sequence[Entrant], slices: Sequence[Slice], finalists: int, looks: int
) -> tuple[Entrant, ...]:
    answers = _answers(search, [each.recipe.digest for each in left], slices)
    kept = remaining(answers, finalists, looks)
    return tuple(each for each in left if each.recipe.digest in kept)


def _answers(search: Search, digests: Sequence[str], slices: Sequence[Slice]) -> dict[str, Verdicts]:
    """What they answered to these items, even where they have answered others."""
    found: dict[str, dict[str, dict[int, bool]]] = {digest: {} for digest in digests}
    for part in slices:
        items = {item.index for item in part.items}
        for digest, given in search.store.verdicts(digests, search.bench.key(part)).items():
            found[digest][part.name] = {item: right for item, right in given.items() if item in items}
    return dict(found)


def _say(session: Session, told: str | None) -> None:
    """What `crucible status` shows meanwhile."""
    session.say("judging", f"holdout items: {told}" if told else None)


def _tell_dropped(session: Session, entrant: Entrant, slices: Sequence[Slice], done: int, total: int) -> None:
    """Said by the first of several workers, for all find it; who has answered everything was not dropped."""
    if session.terms.index:
        return
    search, whole = session.search, session.search.workshop.holdout_slices
    asked = None if is_measured(search, entrant, whole) else sum(len(part.items) for part in slices)
    score = search.bench.score(entrant.recipe.digest, whole)
    session.report(Step("holdout", done, total, entrant.name, score, dropped_after=asked))
