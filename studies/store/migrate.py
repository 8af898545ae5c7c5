"""Brings a database's tables up to date, on first use and after an upgrade of Crucible."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from studies.errors import StorageError
from studies.store.connect import writing
from studies.store.schema import VERSION_TABLE

HEAD = "0004"
MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x6372756369626C65  # "crucible"


def migrate(engine: Engine) -> None:
    """Applies the migrations that are missing, as one transaction; several processes may do so at once.

    Raises StorageError if the database can't be written, or a newer Crucible has migrated it further.
    """
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        revision = current_revision(connection)
        if revision != HEAD:
            _upgrade(connection, revision)


def current_revision(connection: Connection) -> str | None:
    """Reads the revision of our tables; None if there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _upgrade(connection: Connection, revision: str | None) -> None:
    # alembic is slow to import, and an up-to-date database has no need of it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StorageError(
            f"storage {connection.engine.url!r}: written by a newer Crucible (schema {revision}, here"
            f" {HEAD}): upgrade Crucible, or name another storage"
        )
    command.upgrade(config, "head")
