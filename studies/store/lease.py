"""Lets one process at a time run a study. The lease ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import func, select

from studies.errors import StorageError, StudyHeld
from studies.store.connect import storage_errors
from studies.store.store import StudyStore


@contextmanager
def exclusive(store: StudyStore, study: str) -> Iterator[None]:
    """Holds the named study; raises StudyHeld if it is being run already.

    With SQLite the lease covers this machine, with PostgreSQL every machine that uses the database.
    """
    with _lease(store)(store, study, store.study(study), sign=True):
        yield


def is_running(store: StudyStore, study: str) -> bool:
    """Whether some process holds the named study now; looking leaves no trace of the one who looks."""
    try:
        with _lease(store)(store, study, store.study(study), sign=False):
            return False
    except StudyHeld:
        return True


def _lease(store: StudyStore) -> Callable[..., AbstractContextManager[None]]:
    return _lock_file if store.engine.dialect.name == "sqlite" else _lock_in_database


@contextmanager
def _lock_file(store: StudyStore, name: str, study: int, *, sign: bool) -> Iterator[None]:
    database = Path(str(store.engine.url.database))
    path = database.with_name(f".{database.name}.study-{study}.lock")
    # The file stays when the lease ends: removing it would let two processes lock two files of one name.
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}: check that the folder can be written to") from error
    try:
        _lock(descriptor, name)
        if sign:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode()
        raise _held(name, f" by process {holder}" if holder else "") from None


@contextmanager
def _lock_in_database(store: StudyStore, name: str, study: int, *, sign: bool) -> Iterator[None]:
    assert isinstance(sign, bool)  # a server's lock carries no name
    # A schema per team: its study 1 is not the neighbours'.
    key = func.hashtextextended(func.concat("crucible study ", func.current_schema(), " ", str(study)), 0)
    with storage_errors(store.engine.url):
        # No transaction stays open all night; a detached connection is closed for good, and its lock with it.
        connection = store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
    with connection:
        with storage_errors(store.engine.url):
            taken = connection.execute(select(func.pg_try_advisory_lock(key))).scalar()
        if not taken:
            raise _held(name)
        yield


def _held(name: str, holder: str = "") -> StudyHeld:
    return StudyHeld(f"study {name!r} is already being run{holder}: wait for it to end, or stop it first")
