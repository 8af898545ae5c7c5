"""Which candidate a page is about: the one that is asked for, else the best; and whom a person may choose."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request

from studies.dashboard.here import Here
from studies.errors import StudyNotFound
from studies.store.rows import StudySummary
from studies.views.entries import Entry, entries_of
from studies.views.scored import pick
from studies.views.studies import one_study

OFFERED = 60
"""Trials whose names are offered; any other can be written."""


def entries_here(here: Here, found: StudySummary) -> list[Entry]:
    """The study's candidates."""
    version = here.versions.of(here.store, found.id).trials
    return here.memory.of(("entries", found.id), version, lambda: entries_of(here.store, found.id))


def find(here: Here, found: StudySummary, name: str) -> Entry:
    """The candidate of that name, or the trial of that number, however new; raises StudyNotFound."""
    with suppress(StudyNotFound):
        return pick(entries_here(here, found), name, found.name)
    return pick(entries_of(here.store, found.id), name, found.name)


def best_of(here: Here, found: StudySummary) -> str | None:
    """The best trial by search score; where there is none the last that was complete, else any candidate."""
    entries = entries_here(here, found)
    version = here.versions.of(here.store, found.id).trials
    view = here.memory.of(
        ("best", found.id), version, lambda: one_study(here.store, here.tallies, found.name)
    )
    if view.best is not None:
        return view.best.name
    merges = [each for each in entries if each.found and each.state == "complete"]
    others = [each for each in entries if each.state == "complete"] or entries
    return merges[-1].name if merges else others[0].name if others else None


def offered(here: Here, found: StudySummary) -> list[str]:
    """Names to choose from: baselines and models first, then the newest trials."""
    entries = entries_here(here, found)
    trials = [each.name for each in reversed(entries) if each.found]
    return [each.name for each in entries if not each.found] + trials[:OFFERED]


def asked(request: Request, name: str) -> str | None:
    """A candidate's name out of the query; None where none is written."""
    return request.query_params.get(name, "").strip() or None
