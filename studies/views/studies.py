"""All studies at a glance: what each is doing, how far it is, how fast, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from studies.objectives.goals import Goals, goals_of
from studies.objectives.worth import Worth
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import AT_WORK, StudyState, StudySummary
from studies.trials import notes_of
from studies.views.entries import Entry, entries_of, told_of
from studies.views.scored import Scored
from studies.views.tallies import Tallies
from studies.workers.at_work import AtWork, at_work, state_of
from studies.workers.wishes import asked

LATELY = 20
"""Trials by which the pace is told."""


@dataclass(frozen=True)
class Best:
    """The best complete trial by search score, of the one goal that there is."""

    name: str
    trial: int
    digest: str
    worth: Worth


@dataclass(frozen=True)
class StudyView:
    """One study; times are UTC."""

    id: int
    name: str
    state: StudyState
    """As it is: one whose process is gone counts as stopped."""
    reason: str | None
    created_at: datetime
    updated_at: datetime
    """When a candidate or the study last changed."""
    trials: int
    """Ended with a score or an estimate."""
    pruned: int
    failed: int
    running: int
    budget: int | None
    """Trials that the study file asks for; None for a fusion without a search, or where it is not known."""
    hours: float | None
    """That the study file gives it."""
    failures: Mapping[str, int]
    """Failed trials by kind of failure; those of before kinds were kept are under `unknown`."""
    goals: Goals
    best: Best | None
    """None without a complete trial, and where there are several goals."""
    per_hour: float | None
    """Trials ended an hour, over the last of them; None before two have ended."""
    left_s: float | None
    """Until the budget's last trial at that pace; None where nothing runs or it is not known."""
    workers: tuple[AtWork, ...]
    asked: str | None
    """What its workers are asked: `pause`, `stop` or nothing."""
    sampler: str | None
    """What `auto` chose, and why."""
    fusion: bool
    """Whether target and sources were selected for it."""

    @property
    def ended(self) -> int:
        """Trials that are over, however they ended."""
        return self.trials + self.failed


def all_studies(store: StudyStore, tallies: Tallies) -> list[StudyView]:
    """Every study, the one that changed last first."""
    views = [_view(store, tallies, each) for each in store.studies()]
    return sorted(views, key=lambda each: each.updated_at, reverse=True)


def one_study(store: StudyStore, tallies: Tallies, name: str) -> StudyView:
    """The study of a name; raises StudyNotFound."""
    study = store.study(name)
    return next(_view(store, tallies, each) for each in store.studies() if each.id == study)


def _view(store: StudyStore, tallies: Tallies, each: StudySummary) -> StudyView:
    identity, entries = store.identity(each.id), entries_of(store, each.id)
    state, reason = state_of(store, each)
    own = [entry for entry in entries if entry.found]
    running = [entry for entry in own if entry.state == "running"]
    budget, hours = _budget(identity, "trials"), _budget(identity, "hours")
    per_hour, trials = _pace(own), None if budget is None else int(budget)
    left = None if trials is None else max(0, trials - (len(own) - len(running)))
    return StudyView(
        id=each.id,
        name=each.name,
        state=state,
        reason=reason,
        created_at=each.created_at,
        updated_at=max([each.updated_at, *(entry.changed_at for entry in entries)]),
        trials=each.trials,
        pruned=each.pruned,
        failed=each.failed,
        running=len(running) if state in AT_WORK else 0,
        budget=trials,
        hours=hours,
        failures=_failures(own),
        goals=goals_of(identity),
        best=_best(store, tallies, each, identity, entries),
        per_hour=per_hour,
        left_s=3600 * left / per_hour if state == "searching" and left and per_hour else None,
        workers=at_work(store, each.id),
        asked=asked(store, each.id),
        sampler=notes_of(store.engine, each.name).get("sampler"),
        fusion=store.selection(each.id) is not None,
    )


def _budget(identity: Mapping[str, JSON], name: str) -> float | None:
    study = identity.get("study")
    budget = study.get("budget") if isinstance(study, Mapping) else None
    found = budget.get(name) if isinstance(budget, Mapping) else None
    return found if isinstance(found, int | float) else None


def _failures(own: Sequence[Entry]) -> dict[str, int]:
    kinds = Counter(each.failure or "unknown" for each in own if each.state == "failed")
    return dict(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])))


def _pace(own: Sequence[Entry]) -> float | None:
    """Trials an hour over the last that ended."""
    ends = sorted(each.ended_at for each in own if each.ended_at is not None)[-LATELY:]
    if len(ends) < 2 or ends[-1] == ends[0]:
        return None
    return 3600 * (len(ends) - 1) / (ends[-1] - ends[0]).total_seconds()


def _best(
    store: StudyStore,
    tallies: Tallies,
    each: StudySummary,
    identity: Mapping[str, JSON],
    entries: Sequence[Entry],
) -> Best | None:
    """By what the sampler was told, where that is kept; so the answers of few candidates are summed."""
    goals = goals_of(identity)
    complete = {
        entry.trial: entry
        for entry in entries
        if entry.found and entry.trial is not None and entry.state == "complete"
    }
    if len(goals) != 1 or not complete:
        return None
    told = told_of(store, each.name)
    values = {number: told[number].values[0] for number in complete if number in told and told[number].values}
    if len(values) == len(complete):
        first = max(values, key=lambda number: (values[number], -number))
        kept = [entry for entry in entries if entry.kind == "expert"] + [complete[first]]
    else:
        kept = list(entries)
    slices = store.slices(each.id)
    sums = tallies.of(store, kept, [part for part in slices if part.split == "search"])
    found = Scored(each.id, identity, tuple(kept), tuple(slices), sums)
    read = {entry.digest for entry in kept}
    own = {number: entry for number, entry in complete.items() if entry.digest in read}
    worths = {number: found.worths(entry.digest) for number, entry in own.items()}
    known = {number: worth[0] for number, worth in worths.items() if worth is not None}
    if not known:
        return None
    sign = 1 if goals[0].direction == "maximize" else -1
    trial = max(known, key=lambda number: (sign * known[number].value, -number))
    return Best(complete[trial].name, trial, complete[trial].digest, known[trial])
