"""One study's trials, page by page, and those that are new."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from evaluators.score import Accuracy, MeanLogprob
from studies.errors import StudyNotFound
from studies.objectives.goals import Goals
from studies.objectives.worth import Worth
from studies.store import StudyStore
from studies.store.rows import CandidateState
from studies.views.entries import Entry, entries_of, study_name, told_of
from studies.views.scored import Scored, scored
from studies.views.tallies import Tallies

Order = Literal["number", "newest", "best"]


@dataclass(frozen=True)
class TrialView:
    """One trial; times are UTC."""

    number: int
    name: str
    digest: str
    state: CandidateState
    reason: str | None
    failure: str | None
    began_at: datetime
    ended_at: datetime | None
    """None while it runs."""
    worths: tuple[Worth, ...] | None
    """By goal, where all search items were asked."""
    estimate: float | None
    """Of one that was stopped early, by the one goal; no score."""
    asked: int
    """Search items that it answered."""
    items: int
    """Search items that there are."""
    slices: Mapping[str, Accuracy | MeanLogprob]
    """By slice, on the search items that it answered."""

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended_at is None else (self.ended_at - self.began_at).total_seconds()


@dataclass(frozen=True)
class TrialsPage:
    """Some of a study's trials."""

    goals: Goals
    rows: tuple[TrialView, ...]
    total: int
    offset: int
    size: int


def trials_page(
    store: StudyStore,
    tallies: Tallies,
    study: int,
    *,
    offset: int = 0,
    size: int = 50,
    order: Order = "newest",
) -> TrialsPage:
    """`size` trials from the `offset`th on.

    `best`: by the first goal's score, then those without one.
    """
    found = scored(store, tallies, study)
    entries = sorted(found.trials, key=_number, reverse=order == "newest")
    if order == "best":
        entries = _best_first(found, entries)
    some = entries[offset : offset + size]
    return TrialsPage(found.goals, tuple(_views(store, found, some)), len(entries), offset, size)


def trials_since(
    store: StudyStore, tallies: Tallies, study: int, after: int, among: Collection[int] = ()
) -> list[TrialView]:
    """Trials whose number lies beyond `after` or is `among` those known to run, by number.

    Whoever asks with the greatest number and the numbers of running trials that it was told misses none, and
    is told of none twice that has ended.
    """
    entries = entries_of(store, study)
    own = sorted((each for each in entries if each.found), key=_number)
    new = [each for each in own if _number(each) > after or _number(each) in among]
    return list(_views(store, _of_some(store, tallies, study, entries, new), new)) if new else []


def one_trial(store: StudyStore, tallies: Tallies, study: int, number: int) -> TrialView:
    """The trial of that number; raises StudyNotFound."""
    if found := trials_since(store, tallies, study, sys.maxsize, (number,)):
        return found[0]
    raise StudyNotFound(f"study {study_name(store, study)!r} has no trial {number}: see `crucible status`")


def _of_some(
    store: StudyStore, tallies: Tallies, study: int, entries: Sequence[Entry], some: Sequence[Entry]
) -> Scored:
    """The study with these of its trials alone, and the experts that they are measured against."""
    kept = [each for each in entries if each.kind == "expert"] + list(some)
    slices = store.slices(study)
    sums = tallies.of(store, kept, [part for part in slices if part.split == "search"])
    return Scored(study, store.identity(study), tuple(kept), tuple(slices), sums)


def _number(entry: Entry) -> int:
    assert entry.trial is not None, f"{entry.name} is no trial"
    return entry.trial


def _best_first(found: Scored, entries: Sequence[Entry]) -> list[Entry]:
    sign = 1 if found.goals[0].direction == "maximize" else -1
    worths = {each.digest: found.worths(each.digest) for each in entries if each.state == "complete"}

    def rank(entry: Entry) -> tuple[bool, float, int]:
        worth = worths.get(entry.digest) if entry.state == "complete" else None
        return worth is None, 0.0 if worth is None else -sign * worth[0].value, _number(entry)

    return sorted(entries, key=rank)


def _views(store: StudyStore, found: Scored, entries: Sequence[Entry]) -> Iterator[TrialView]:
    pruned = any(each.state == "pruned" for each in entries)
    told = told_of(store, study_name(store, found.id)) if pruned else {}
    items = found.items("search")
    for each in entries:
        number = _number(each)
        said = told[number].values if number in told and each.state == "pruned" else ()
        yield TrialView(
            number=number,
            name=each.name,
            digest=each.digest,
            state=each.state,
            reason=each.reason,
            failure=each.failure,
            began_at=each.began_at,
            ended_at=each.ended_at,
            worths=found.worths(each.digest) if each.state == "complete" else None,
            estimate=said[0] if said else None,
            asked=found.asked(each.digest, "search"),
            items=items,
            slices=found.scores(each.digest, "search"),
        )
