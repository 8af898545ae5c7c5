"""Studies that were handed to a service, and wait for their turn; they survive the service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update

from studies.errors import StudyHeld, StudyNotFound
from studies.store import StudyStore
from studies.store.connect import reading, writing
from studies.store.identity import JSON
from studies.store.patience import patient
from studies.store.queries import insert_new, utc_now
from studies.store.schema import submissions as table

SubmissionState = Literal["queued", "running", "ended", "failed", "stopped"]
WAITING: tuple[SubmissionState, ...] = ("queued", "running")


@dataclass(frozen=True)
class Submission:
    """A study file that somebody handed over; times are UTC."""

    id: int
    name: str
    """Of the study."""
    study: str
    """The file's text."""
    folder: str
    """What its relative paths are relative to."""
    options: Mapping[str, JSON]
    """How it shall be run."""
    state: SubmissionState
    reason: str | None
    submitted_at: datetime
    updated_at: datetime


@patient
def submit(
    store: StudyStore, name: str, study: str, folder: str, options: Mapping[str, JSON] | None = None
) -> Submission:
    """Queue a study, or queue it again once it ended; the same twice is once.

    Raises StudyHeld if one of that name waits or runs that was submitted otherwise.
    """
    content = {"study": study, "folder": folder, "options": json.loads(json.dumps(options or {}))}
    now = utc_now()
    queued = {"state": "queued", "reason": None, "submitted_at": now, "updated_at": now}
    with writing(store.engine) as connection:
        connection.execute(insert_new(connection, table), {"name": name, **content, **queued})
        query = select(table).where(table.c.name == name)
        found = Submission(**connection.execute(query.with_for_update()).one()._mapping)
        if found.state not in WAITING:
            connection.execute(update(table).where(table.c.name == name).values(**content, **queued))
            found = Submission(**connection.execute(query).one()._mapping)
    if any(getattr(found, field) != value for field, value in content.items()):
        raise StudyHeld(
            f"study {name!r} was submitted otherwise and is {found.state}: wait for it to end, stop it first,"
            " or give this one another name"
        )
    return found


@patient
def submissions(store: StudyStore, state: SubmissionState | None = None) -> list[Submission]:
    """All that were submitted, or those in one state, in the order in which they came."""
    which = [] if state is None else [table.c.state == state]
    with reading(store.engine) as connection:
        # One that was queued again waits behind those that came in the meantime.
        query = select(table).where(*which).order_by(table.c.submitted_at, table.c.id)
        return [Submission(**row._mapping) for row in connection.execute(query)]


@patient
def submission(store: StudyStore, name: str) -> Submission:
    """The submission of that name; raises StudyNotFound."""
    with reading(store.engine) as connection:
        row = connection.execute(select(table).where(table.c.name == name)).one_or_none()
    if row is None:
        raise StudyNotFound(f"no study {name!r} was submitted: submit it first")
    return Submission(**row._mapping)


def take_submission(store: StudyStore, name: str) -> bool:
    """Makes a submission that waits run; False if it does not wait any more: somebody else was quicker.

    Asks once: raises StorageLost if the database is away.
    """
    values = {"state": "running", "reason": None, "updated_at": utc_now()}
    which = (table.c.name == name, table.c.state == "queued")
    with writing(store.engine) as connection:
        return connection.execute(update(table).where(*which).values(**values)).rowcount == 1


@patient
def set_submission_state(
    store: StudyStore, name: str, state: SubmissionState, reason: str | None = None
) -> None:
    """Says how far a submission has come, and why it ended as it did."""
    values: dict[str, Any] = {"state": state, "reason": reason, "updated_at": utc_now()}
    with writing(store.engine) as connection:
        changed = connection.execute(update(table).where(table.c.name == name).values(**values)).rowcount
    assert changed == 1, f"no submission {name}"
