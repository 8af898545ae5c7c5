"""Failures that come one after another: a search that only fails is ended with what it fails of."""

from __future__ import annotations

from collections.abc import Collection

from search.errors import Hopeless
from search.running.search import Search
from search.showing.step import Step
from search.working.session import Session
from studies.store import StudyStore
from studies.store.rows import Candidate
from studies.workers.wishes import ask

MOST = 10


def check_streak(session: Session, failed: Step) -> None:
    """Count a trial that failed; ten of one kind in a row, whoever tried them, end the study.

    Raises Hopeless with the reason; other workers are asked to stop.
    """
    search = session.search
    if session.streak[:1] != [failed.failure]:
        session.streak.clear()
    session.streak.append(failed.failure or "other")
    if len(session.streak) < MOST and not _all_fail(search, failed.failure, session.terms.failed or ()):
        return
    ask(search.store, search.study, "stop")
    name = search.workshop.spec.name
    raise Hopeless(
        f"{MOST} trials in a row failed ({failed.failure}), the last one ({failed.name}): {failed.reason};"
        f" mend that, then `crucible run` goes on, and so do workers after `crucible resume {name}`"
    )


def failed_trials(store: StudyStore, study: int) -> tuple[int, ...]:
    """Numbers of the trials that failed, of the last that ended."""
    return tuple(row.trial or 0 for row in _last_ended(store, study) if row.state == "failed")


def _all_fail(search: Search, kind: str | None, before: Collection[int]) -> bool:
    """Whether the last trials that ended all failed of that kind since this command began."""
    ended = _last_ended(search.store, search.study)
    return len(ended) == MOST and all(row.failure == kind and row.trial not in before for row in ended)


def _last_ended(store: StudyStore, study: int) -> list[Candidate]:
    rows = [row for row in store.candidates(study) if row.kind == "trial" and row.state != "running"]
    return sorted(rows, key=lambda row: row.trial or 0)[-MOST:]
