"""Opens the database that a URL names: SQLite for one machine, PostgreSQL for many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from studies.errors import StorageError

LOCK_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
_SERVER: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_TIMEOUT_S}}
FORMS = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"

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
    try:
        engine = create_engine(url, **({"connect_args": {"timeout": LOCK_TIMEOUT_S}} if sqlite else _SERVER))
    except ModuleNotFoundError as error:
        remedy = "pip install 'crucible[postgres]', and begin the URL with postgresql+psycopg://"
        raise StorageError(f"storage {url!r}: needs the Python package {error.name}: {remedy}") from error
    except (ArgumentError, ValueError) as error:
        raise StorageError(f"storage {url!r} cannot be used ({error}): write {FORMS}") from error
    if sqlite:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
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


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database throughout; raises StorageError if that fails."""
    with storage_errors(engine.url), engine.connect() as connection:
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
    except DatabaseError as error:
        # The other subclasses (integrity, programming) are our own mistakes, and keep their traceback.
        if not (isinstance(error, OperationalError) or type(error) is DatabaseError):
            raise
        lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        remedy = next((REMEDIES[symptom] for symptom in REMEDIES if symptom in lines[0]), REMEDY)
        raise StorageError(f"storage {url!r}: {lines[0]}: {remedy}") from error


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by _begin_sqlite; the driver's own would begin after their first reads.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can't wait for a lock: SQLite fails it at once.
    writes = connection.get_execution_options().get("crucible_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
