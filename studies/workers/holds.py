"""Who works on what just now, and the lock around choosing the next.

A hold is a row: one with a worker is that worker's, one without has had a worker that died, and what has no
row is nobody's. How far the work has come is not written here: that is in the evidence.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from studies.errors import StorageError
from studies.store import StudyStore
from studies.store.connect import is_lost, reading, storage_errors, writing
from studies.store.patience import patient
from studies.store.queries import utc_now
from studies.store.schema import holds
from studies.workers.worker import Worker, check_working

Stage = Literal["baselines", "trials", "holdout"]


@dataclass(frozen=True)
class Hold:
    """What one worker works on."""

    stage: Stage
    name: str
    deaths: int
    """How many workers died of it in a row, or beside it, before this one took it; a hang counts twice."""


@patient
def take(store: StudyStore, worker: Worker, stage: Stage, name: str) -> Hold | None:
    """Make it this worker's; None if it is another living worker's.

    Raises WorkerLost if this worker was declared lost, for then others may have what it took before.
    """
    row = {"study_id": worker.study, "stage": stage, "name": name, "worker_id": worker.id}
    with writing(store.engine) as connection:
        check_working(connection, worker)
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(holds).values(**row, deaths=0, updated_at=utc_now())
        taken = statement.on_conflict_do_update(
            index_elements=[column.name for column in holds.primary_key],
            set_={"worker_id": worker.id, "updated_at": utc_now()},
            where=or_(holds.c.worker_id.is_(None), holds.c.worker_id == worker.id),
        ).returning(holds.c.deaths)
        deaths = connection.execute(taken).scalar_one_or_none()
    return None if deaths is None else Hold(stage, name, deaths)


@patient
def drop(store: StudyStore, worker: Worker, hold: Hold) -> None:
    """Make it nobody's and forget its deaths: it is done, or handed back. Another worker's stays as it is."""
    with writing(store.engine) as connection:
        connection.execute(delete(holds).where(_own(worker, hold)))


@patient
def progress(store: StudyStore, worker: Worker, hold: Hold) -> None:
    """Forget its deaths: there is new evidence of it, so they were not its fault."""
    with writing(store.engine) as connection:
        connection.execute(update(holds).where(_own(worker, hold)).values(deaths=0, updated_at=utc_now()))


@patient
def forget(store: StudyStore, study: int) -> None:
    """Forget what workers died of, for all is done: one that died with its work done left a hold behind."""
    with writing(store.engine) as connection:
        connection.execute(delete(holds).where(holds.c.study_id == study, holds.c.worker_id.is_(None)))


@patient
def held(store: StudyStore, study: int, stage: Stage) -> frozenset[str]:
    """The names that workers hold."""
    which = (holds.c.study_id == study, holds.c.stage == stage, holds.c.worker_id.is_not(None))
    with reading(store.engine) as connection:
        return frozenset(connection.execute(select(holds.c.name).where(*which)).scalars())


@contextmanager
def alone(store: StudyStore, study: int) -> Iterator[None]:
    """Hold the study's one lock: nobody else chooses or makes a trial in the meantime, on any machine.

    For moments only: the others wait. With SQLite it covers this machine, with PostgreSQL all that use the
    database. It ends with the process, however that ends.
    """
    lock = _file_lock if store.engine.dialect.name == "sqlite" else _server_lock
    with ExitStack() as held:
        store.patiently(lambda: held.enter_context(lock(store, study)))
        yield


def _own(worker: Worker, hold: Hold) -> ColumnElement[bool]:
    c = holds.c
    key = and_(c.study_id == worker.study, c.stage == hold.stage, c.name == hold.name)
    return and_(key, c.worker_id == worker.id)


@contextmanager
def _file_lock(store: StudyStore, study: int) -> Iterator[None]:
    database = Path(str(store.engine.url.database))
    path = database.with_name(f".{database.name}.study-{study}.alone")
    # The file stays: removing it would let two processes lock two files of one name.
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}: check that the folder can be written to") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _server_lock(store: StudyStore, study: int) -> Iterator[None]:
    # A schema per team: its study 1 is not the neighbours'.
    key = func.hashtextextended(func.concat("crucible alone ", func.current_schema(), " ", str(study)), 0)
    with storage_errors(store.engine.url):
        connection = store.engine.connect()
        try:
            connection.begin()
            connection.execute(select(func.pg_advisory_xact_lock(key)))
        except BaseException:
            connection.close()
            raise
    try:
        yield
    finally:
        _release(connection)


def _release(connection: Connection) -> None:
    try:
        connection.close()
    except DBAPIError as error:
        # A server that is away has let go of its locks by itself.
        if not is_lost(error):
            raise
