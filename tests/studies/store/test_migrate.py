"""Tables are made and kept up to date on first use, silently, and beside other tables."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from evaluators.score import ItemResult
from merging.recipe import Recipe
from studies.errors import StorageError
from studies.store import StudyStore
from studies.store.connect import open_engine, reading, writing
from studies.store.migrate import HEAD, MIGRATIONS, current_revision
from studies.store.rows import Candidate, ModelSubject, StudySlice
from studies.store.schema import PREFIX, VERSION_TABLE, metadata
from studies.workers.holds import Hold, take
from studies.workers.register import join, living
from studies.workers.submissions import submissions
from studies.workers.wishes import asked
from tests.studies.builders import make_recipe

NOW = "2026-01-01 00:00:00"


def rows_of_the_first_schema(recipe: Recipe) -> list[tuple[str, dict[str, object]]]:
    """A study with one slice, one recipe and one answer, written as the first release wrote them."""
    return [
        (
            "INSERT INTO crucible_studies (name, state, identity, created_at, updated_at)"
            f" VALUES ('tiny', 'stopped', :identity, '{NOW}', '{NOW}')",
            {"identity": '{"seed": 0}'},
        ),
        (
            "INSERT INTO crucible_recipes VALUES (:digest, :recipe)",
            {"digest": recipe.digest, "recipe": json.dumps(recipe.to_dict())},
        ),
        ("INSERT INTO crucible_slices VALUES ('of the slice', 'gsm8k', 1)", {}),
        ("INSERT INTO crucible_study_slices VALUES (1, 'search', 'gsm8k', 0, 'of the slice')", {}),
        (
            f"INSERT INTO crucible_candidates VALUES (1, 'trial', 'trial 0', 0, :digest, 'complete', NULL,"
            f" '{NOW}', '{NOW}')",
            {"digest": recipe.digest},
        ),
        ("INSERT INTO crucible_outputs VALUES ('of the text', '#### 4')", {}),
        (
            "INSERT INTO crucible_evidence"
            f" VALUES (:digest, 'of the slice', 3, true, 'of the text', '4', 5, 0.5, 'abc', '{NOW}')",
            {"digest": recipe.digest},
        ),
    ]


def test_a_new_database_is_brought_to_the_newest_revision(store: StudyStore) -> None:
    with reading(store.engine) as connection:
        assert current_revision(connection) == HEAD


def test_the_newest_revision_is_the_last_of_the_scripts() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_the_migrations_make_exactly_the_tables_of_the_schema(store: StudyStore) -> None:
    with reading(store.engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_a_store_of_the_first_schema_is_brought_up_to_date_with_all_that_it_holds(url: str) -> None:
    engine = open_engine(url)
    with writing(engine) as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, "0001")
        recipe = make_recipe(0.25)
        for statement, row in rows_of_the_first_schema(recipe):
            connection.execute(text(statement), row)
    engine.dispose()
    with StudyStore(url) as store:
        assert store.begin("tiny", {"seed": 0}) == 1
        (part,) = store.slices(1)
        assert part == StudySlice("gsm8k", "gsm8k", "search", "of the slice", 1, "generate")
        store.add_slices(1, [part])
        old = ItemResult(3, True, "#### 4", 5, 0.5, "abc", "4", None)
        assert store.results(recipe.digest, part.digest) == [old]
        assert store.recipe(recipe.digest) == recipe
        assert store.candidates(1) == [Candidate("trial", "trial 0", 0, recipe.digest, "complete", None)]
        store.finish_candidate(1, "trial", "trial 0", "NaN in layer 1", "not finite")
        failed = Candidate("trial", "trial 0", 0, recipe.digest, "failed", "NaN in layer 1", "not finite")
        assert store.candidates(1) == [failed]
        assert (living(store, 1), asked(store, 1), submissions(store)) == ([], None, [])
        hold = take(store, join(store, 1), "trials", "0")
        assert hold == Hold("trials", "0", 0)
        store.record(recipe.digest, part.digest, [replace(old, item=4, logprob=-1.5)])
        assert store.logprobs([recipe.digest], part.digest) == {recipe.digest: {4: -0.3}}
        model = store.add_model(ModelSubject("of a model", "/models/a", None, "qwen2", 7))
        store.record(model, part.digest, [old])
        store.register_candidate(1, "model", "a", None, model)
        assert store.results(model, part.digest) == [old]


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
    with pytest.raises(StorageError, match=r"newer Crucible \(schema 9999, here 0004\): upgrade") as caught:
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
