"""Lets one process at a time run a fusion, or the queue of submissions; studies have workers instead.

The lease ends with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from studies.errors import StorageError, StudyHeld
from studies.store.connect import reading, storage_errors
from studies.store.presence import is_worked_on
from studies.store.store import StudyStore

QUEUE = 0
"""What is held where that is no study, whose numbers begin at 1."""
LOOKING_S = 1.0
"""How long who wants a study tries: those who look whether it is being run hold it for moments."""
_AGAIN_S = 0.02


@contextmanager
def exclusive(store: StudyStore, study: str) -> Iterator[None]:
    """Holds the named study; raises StudyHeld if it is being run already.

    With SQLite the lease covers this machine, with PostgreSQL every machine that uses the database.
    """
    with _patiently(partial(_lease(store), store, study, store.study(study), look=False)):
        yield


@contextmanager
def serving(store: StudyStore) -> Iterator[None]:
    """Holds the database's queue of submissions; raises StudyHeld if another service does.

    A server that is started again forgets who does: until then nobody else comes in.
    """
    with ExitStack() as held:
        try:
            held.enter_context(_patiently(partial(_lease(store), store, "the queue", QUEUE, look=False)))
        except StudyHeld:
            raise StudyHeld(
                f"storage {store.engine.url!r}: another service runs what is submitted there: end that one,"
                " or name another storage"
            ) from None
        yield


def is_running(store: StudyStore, study: str) -> bool:
    """Whether some process holds the named study now, or workers do; looking leaves no trace of who looks."""
    number = store.study(study)
    with reading(store.engine) as connection:
        if is_worked_on(connection, number):
            return True
    try:
        with _lease(store)(store, study, number, look=True):
            return False
    except StudyHeld:
        return True


@contextmanager
def _patiently(lease: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """The lease, also if somebody who only looks has it for a moment."""
    until = time.monotonic() + LOOKING_S
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lease())
                break
            except StudyHeld:
                if time.monotonic() >= until:
                    raise
            time.sleep(_AGAIN_S)
        yield


def _lease(store: StudyStore) -> Callable[..., AbstractContextManager[None]]:
    return _lock_file if store.engine.dialect.name == "sqlite" else _lock_in_database


@contextmanager
def _lock_file(store: StudyStore, name: str, study: int, *, look: bool) -> Iterator[None]:
    database = Path(str(store.engine.url.database))
    path = database.with_name(f".{database.name}.study-{study}.lock")
    # The file stays when the lease ends: removing it would let two processes lock two files of one name.
    if look and not path.exists():  # nothing was ever held
        yield
        return
    try:
        how = os.O_RDONLY if look else os.O_RDWR | os.O_CREAT  # who looks need not be able to write
        descriptor = os.open(path, how | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}: check that the folder can be written to") from error
    try:
        _lock(descriptor, name, look)
        if not look:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, name: str, look: bool) -> None:
    try:
        # Those who look are not in each other's way.
        fcntl.flock(descriptor, (fcntl.LOCK_SH if look else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode()
        raise _held(name, f" by process {holder}" if holder else "") from None


@contextmanager
def _lock_in_database(store: StudyStore, name: str, study: int, *, look: bool) -> Iterator[None]:
    lock = func.pg_try_advisory_lock_shared if look else func.pg_try_advisory_lock
    # A schema per team: its study 1 is not the neighbours'.
    key = func.hashtextextended(func.concat("crucible study ", func.current_schema(), " ", str(study)), 0)
    with storage_errors(store.engine.url):
        # No transaction stays open all night; a detached connection is closed for good, and its lock with it.
        connection = store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
    with connection:
        with storage_errors(store.engine.url):
            taken = connection.execute(select(lock(key))).scalar()
        if not taken:
            raise _held(name)
        yield


def _held(name: str, holder: str = "") -> StudyHeld:
    return StudyHeld(f"study {name!r} is already being run{holder}: wait for it to end, or stop it first")
