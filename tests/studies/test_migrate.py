"""Tables are made and kept up to date on first use, silently, and beside other tables."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from studies.connect import open_engine, reading, writing
from studies.errors import StorageError
from studies.migrate import HEAD, MIGRATIONS, current_revision
from studies.schema import PREFIX, VERSION_TABLE, metadata
from studies.store import StudyStore


def test_a_new_database_is_brought_to_the_newest_revision(store: StudyStore) -> None:
    with reading(store.engine) as connection:
        assert current_revision(connection) == HEAD


def test_the_newest_revision_is_the_last_of_the_scripts() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_the_migrations_make_exactly_the_tables_of_the_schema(store: StudyStore) -> None:
    with reading(store.engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_every_table_has_our_prefix(store: StudyStore) -> None:
    names = inspect(store.engine).get_table_names()
    assert len(names) == len(metadata.tables) + 1
    assert all(name.startswith(PREFIX) for name in names)


def test_the_tables_of_others_stay_as_they_are(url: str) -> None:
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('v3.2.0.a')"))
    StudyStore(url).close()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [
            "v3.2.0.a"
        ]
    engine.dispose()


def test_a_database_of_a_newer_crucible_is_refused_in_one_line(url: str) -> None:
    with StudyStore(url) as store, writing(store.engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"newer Crucible \(schema 9999, here 0001\): upgrade") as caught:
        StudyStore(url)
    assert "\n" not in str(caught.value)


def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.execute(text(f"CREATE TABLE {PREFIX}evidence (item INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        StudyStore(url)
    assert inspect(engine).get_table_names() == [f"{PREFIX}evidence"]
    engine.dispose()


OPEN = "import sys; from studies.store import StudyStore; StudyStore(sys.argv[1]).begin('tiny', {'seed': 0})"


def test_processes_may_open_a_new_database_at_once_and_print_nothing(url: str) -> None:
    command = [sys.executable, "-c", OPEN, url]
    pipe = subprocess.PIPE
    openers = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    assert [(*opener.communicate(), opener.returncode) for opener in openers] == [("", "", 0)] * 4
    with StudyStore(url) as store:
        assert [study.name for study in store.studies()] == ["tiny"]
