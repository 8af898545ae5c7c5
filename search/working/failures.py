"""Failures that come one after another: a search that only fails is ended with what it fails of."""

from __future__ import annotations

from search.errors import Hopeless
from search.running.search import Search
from search.showing.step import Step
from search.working.session import Session
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
    if len(session.streak) < MOST and not _all_fail(search, failed.failure, session.failed_before):
        return
    ask(search.store, search.study, "stop")
    name = search.workshop.spec.name
    raise Hopeless(
        f"{MOST} trials in a row failed ({failed.failure}), the last one ({failed.name}): {failed.reason};"
        f" mend that, then `crucible run` goes on, and so do workers after `crucible resume {name}`"
    )


def failed_trials(search: Search) -> frozenset[str]:
    """Names of the trials that failed so far."""
    rows = search.store.candidates(search.study)
    return frozenset(row.name for row in rows if row.kind == "trial" and row.state == "failed")


def _all_fail(search: Search, kind: str | None, before: frozenset[str]) -> bool:
    """Whether the last trials that ended all failed of that kind since this worker came."""
    rows = [row for row in search.store.candidates(search.study) if row.kind == "trial"]
    ended = sorted((row for row in rows if row.state != "running"), key=lambda row: row.trial or 0)[-MOST:]
    return len(ended) == MOST and all(row.failure == kind and row.name not in before for row in ended)
