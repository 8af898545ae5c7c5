"""Opens the database that a URL names: SQLite for one machine, PostgreSQL for many."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InvalidatePoolError, OperationalError

from studies.errors import StorageError, StorageLost

DEFAULT_STORAGE = "sqlite:///crucible.db"
"""Where studies lie unless something else is said: in the working directory."""
LOCK_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
IDLE_S = 0.1
"""Unused for so long, a connection is tried first: the server may have closed it, or what lies between."""
_CONNECTION: dict[str, int] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    # A machine that vanishes without a word would else be waited for for a quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_SESSION = {
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
"""By these the server notices a client that vanished or was stopped, which would else keep its locks."""
FORMS = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"

_USED = "used"
_LOST = ("08", "57P0", "53300", "40001", "40P01")
"""PostgreSQL: line broken, server ending or starting, no free connection, one in the way of another."""
REMEDY = "check the URL, and that the server runs and lets you in"
REMEDIES = {
    "unable to open": "check that its folder can be written to",
    "readonly database": "make the file and its folder writable, or name another storage",
    "not a database": "name another file, or move this one away",
    "malformed": "restore the file from a copy, or name another storage",
    "locked": "another program keeps it locked: end that one, then run the same command again",
    "full": "free some space, then run the same command again",
}


def open_engine(storage: str, *, create: bool = True) -> Engine:
    """Makes the engine of a storage URL; with `create` off, a SQLite file must already be there.

    Raises StorageError in one line for what can be told without connecting: the URL, the folder, the driver.
    """
    url = parse_url(storage)
    sqlite = url.drivername.split("+")[0] == "sqlite"
    url = locate_file(url, create) if sqlite else url
    options = _file_options() if sqlite else _server_options(url)
    try:
        engine = create_engine(url, json_serializer=_to_json, **options)
    except ModuleNotFoundError as error:
        remedy = "pip install 'crucible[postgres]', and begin the URL with postgresql+psycopg://"
        raise StorageError(f"storage {url!r}: needs the Python package {error.name}: {remedy}") from error
    except (ArgumentError, ValueError) as error:
        raise StorageError(f"storage {url!r} cannot be used ({error}): write {FORMS}") from error
    if sqlite:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    else:
        event.listen(engine, "connect", _configure_session)
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", partial(_check_idle, engine))
    return engine


def parse_url(storage: str) -> URL:
    """Reads a storage URL; raises StorageError if it is none, or names a database that we don't speak."""
    try:
        url = make_url(storage)
    except (ArgumentError, ValueError) as error:
        raise StorageError(f"storage {storage!r} is not a database URL: write {FORMS}") from error
    # The driver's name, not the dialect: looking a dialect up fails for unknown ones.
    if url.drivername.split("+")[0] not in {"sqlite", "postgresql"}:
        raise StorageError(f"storage {url!r}: {url.drivername!r} is not supported: write {FORMS}")
    return url


def locate_file(url: URL, create: bool) -> URL:
    """Makes a SQLite URL's path absolute; raises StorageError if no database can be there."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StorageError(f"storage {url!r} names no file to keep evidence in: write sqlite:///FILE")
    file = Path(url.database).absolute()
    if not file.parent.is_dir():
        raise StorageError(f"storage {url!r}: no folder {file.parent}: create it, or name another storage")
    if file.is_dir():
        raise StorageError(f"storage {url!r}: {file} is a folder: name a file in it")
    if not create and not file.exists():
        raise StorageError(f"storage {url!r}: no file {file}: check --storage and the working directory")
    return url.set(database=str(file))


def absent_file(storage: str) -> Path | None:
    """The SQLite file that a URL means where it is yet to be made; None for one that is there, or a server.

    Raises StorageError as `open_engine` does, or for a folder that cannot be written to.
    """
    engine = open_engine(storage)
    engine.dispose()
    file = Path(engine.url.database or "")
    if engine.dialect.name != "sqlite" or file.exists():
        return None
    if not os.access(file.parent, os.W_OK):
        raise StorageError(
            f"storage {engine.url!r}: {file.parent} cannot be written to: make it writable, or name another"
        )
    return file


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read by; raises StorageError if that fails.

    Of a SQLite file it sees one state throughout. On a server each statement sees the latest: a transaction
    around it would be no other, and take two round trips more.
    """
    with storage_errors(engine.url), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, committed as a whole or not at all; raises StorageError if that fails."""
    with storage_errors(engine.url), engine.connect() as connection:
        connection.execution_options(crucible_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def storage_errors(url: URL) -> Iterator[None]:
    """Raises StorageError in one line, with a remedy, for what a database fails of."""
    try:
        yield
    except DBAPIError as error:
        lost = is_lost(error)
        # The other subclasses (integrity, programming) are our own mistakes, and keep their traceback.
        if not (lost or isinstance(error, OperationalError) or type(error) is DatabaseError):
            raise
        lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        remedy = next((REMEDIES[symptom] for symptom in REMEDIES if symptom in lines[0]), REMEDY)
        kind = StorageLost if lost else StorageError
        raise kind(f"storage {url!r}: {lines[0]}: {remedy}") from error


def is_lost(error: DBAPIError) -> bool:
    """Whether the same again may succeed: the server was away, or others were at the same rows or file."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return "locked" in str(error.orig)
    state: str | None = getattr(error.orig, "sqlstate", None)
    # What the driver itself notices has no code: nobody listens, nobody answers, the line is dead.
    return state is None or state.startswith(_LOST)


def _file_options() -> dict[str, Any]:
    return {"connect_args": {"timeout": LOCK_TIMEOUT_S}}


def _to_json(value: Any) -> str:
    # Without spaces, which make a ninth of a recipe.
    return json.dumps(value, separators=(",", ":"))


def _server_options(url: URL) -> dict[str, Any]:
    own = {name: value for name, value in _CONNECTION.items() if name not in url.query}
    # Few are kept, for a server has a hundred to give to all workers together.
    return {"pool_size": 2, "max_overflow": 10, "connect_args": own}


def _configure_session(connection: Any, _record: object) -> None:
    # Not as options of the connection: those would take the place of PGOPTIONS, and poolers refuse them. What
    # the URL, the role or the database says of a setting stays; one that an old server lacks is left out.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, wanted.value, false) FROM pg_settings"
            " JOIN unnest(%s::text[], %s::text[]) AS wanted(name, value) USING (name)"
            " WHERE source NOT IN ('client', 'user', 'database', 'database user')",
            (list(_SESSION), list(_SESSION.values())),
        )
    connection.commit()


def _note_use(_connection: Any, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _check_idle(engine: Engine, connection: Any, record: Any, _proxy: object) -> None:
    """Have another connection made in place of one that died of idleness; asking costs a round trip."""
    if time.monotonic() - record.info.get(_USED, float("inf")) < IDLE_S:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
        raise InvalidatePoolError("connections were closed while they were idle") from error


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by begin_sqlite; the driver's own would begin after their first reads.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def begin_sqlite(connection: Connection) -> None:
    """Begin a transaction, as one that writes where the connection was said to."""
    # A transaction that reads first and writes later can't wait for a lock: SQLite fails it at once.
    writes = connection.get_execution_options().get("crucible_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
