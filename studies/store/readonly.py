"""A store opened to be looked at: nothing is created, brought up to date, locked or written."""

from __future__ import annotations

import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine, event

from studies.errors import StorageError
from studies.store.connect import LOCK_TIMEOUT_S, begin_sqlite, locate_file, open_engine, parse_url, reading
from studies.store.migrate import HEAD, current_revision
from studies.store.patience import Outage
from studies.store.store import StudyStore


class ReadOnlyStore(StudyStore):
    """A `StudyStore` whose methods that write fail: the database itself refuses them.

    A SQLite file may lie in a folder that can't be written to, and its study be running meanwhile.
    """

    def __init__(self, url: str, *, patience: float = 0.0) -> None:
        """Opens the database as it is; what is asked of it is asked again for `patience` seconds.

        Raises StorageError if there is none, if it holds no studies, or was written by a newer Crucible, or
        by an older one, which `crucible status` would bring up to date.
        """
        self.engine = _open(url)
        self.outage, self.wait, self.patience, self.spool = Outage(), time.sleep, patience, None
        try:
            self.patiently(partial(_check, self.engine))
        except BaseException:
            self.close()
            raise


def _open(storage: str) -> Engine:
    url = parse_url(storage)
    if url.drivername.split("+")[0] == "sqlite":
        return _open_file(locate_file(url, create=False))
    engine = open_engine(storage)
    event.listen(engine, "connect", _refuse_writes)
    return engine


def _open_file(url: URL) -> Engine:
    file = Path(str(url.database))
    # Who can't write beside the file can't tell writers that it reads: it begins anew with every look.
    pool = None if os.access(file.parent, os.W_OK) else NullPool
    engine = create_engine(url, creator=partial(_connect, file), poolclass=pool)
    event.listen(engine, "begin", begin_sqlite)
    return engine


def _connect(file: Path) -> sqlite3.Connection:
    try:
        return _connect_as(file, "mode=ro")
    except sqlite3.OperationalError:
        # Where no index of the write-ahead log can be made SQLite reads none: right if that log is empty.
        if os.access(file.parent, os.W_OK) or _has_log(file):
            raise
        return _connect_as(file, "mode=ro&immutable=1")


def _connect_as(file: Path, how: str) -> sqlite3.Connection:
    options: dict[str, Any] = {"uri": True, "isolation_level": None, "check_same_thread": False}
    uri = f"{file.as_uri()}?{how}"
    connection: sqlite3.Connection = sqlite3.connect(uri, timeout=LOCK_TIMEOUT_S, **options)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _has_log(file: Path) -> bool:
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _refuse_writes(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    connection.commit()


def _check(engine: Engine) -> None:
    """Raises StorageError unless the tables are those that this Crucible knows."""
    with reading(engine) as connection:
        revision = current_revision(connection)
    if revision is None:
        raise StorageError(
            f"storage {engine.url!r}: holds no studies of Crucible's: name what `crucible run` wrote to"
        )
    if revision > HEAD:
        raise StorageError(
            f"storage {engine.url!r}: written by a newer Crucible (schema {revision}, here {HEAD}):"
            " upgrade Crucible, or name another storage"
        )
    if revision < HEAD:
        raise StorageError(
            f"storage {engine.url!r}: written by an older Crucible (schema {revision}, here {HEAD}), and not"
            " changed to be looked at: `crucible status --storage URL` brings it up to date"
        )
