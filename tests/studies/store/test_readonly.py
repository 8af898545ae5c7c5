"""A store that is only looked at: it is not made, changed or locked, and may be where nobody can write."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studies.errors import StorageError
from studies.store import ReadOnlyStore, StudyStore
from studies.store.lease import exclusive, is_running
from tests.studies.builders import begin_with_slice, make_results

NOBODY = 65534


def test_what_others_write_is_seen_and_nothing_can_be_written(url: str) -> None:
    with StudyStore(url) as store, ReadOnlyStore(url) as looking:
        study, digest, part = begin_with_slice(store, n=4)
        store.record(digest, part, make_results([True, False]))
        assert [each.name for each in looking.studies()] == ["tiny"]
        assert looking.tallies([digest], part)[digest].n == 2
        store.record(digest, part, make_results([True], first=2))
        assert looking.tallies([digest], part)[digest].n == 3
        with pytest.raises(Exception, match=r"readonly|read-only"):
            looking.set_state(study, "failed", "seen")
        assert store.studies()[0].state == "searching"


def test_a_store_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no file .*none.db: check --storage"):
        ReadOnlyStore(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)")
    with pytest.raises(StorageError, match="holds no studies of Crucible's"):
        ReadOnlyStore(f"sqlite:///{tmp_path / 'other.db'}")
    (tmp_path / "text.db").write_text("no database, but a text of some length\n" * 9)
    with pytest.raises(StorageError, match="not a database"):
        ReadOnlyStore(f"sqlite:///{tmp_path / 'text.db'}")


@pytest.mark.parametrize(
    ("revision", "said"),
    [("9999", "written by a newer Crucible (schema 9999"), ("0003", "`crucible status --storage URL`")],
)
def test_a_store_of_another_version_is_refused_and_stays_as_it_is(
    sqlite_url: str, tmp_path: Path, revision: str, said: str
) -> None:
    StudyStore(sqlite_url).close()
    file = sqlite3.connect(tmp_path / "crucible.db", isolation_level=None)
    file.execute("UPDATE crucible_alembic_version SET version_num = ?", (revision,))
    with pytest.raises(StorageError) as refused:
        ReadOnlyStore(sqlite_url)
    assert said in str(refused.value)
    assert file.execute("SELECT version_num FROM crucible_alembic_version").fetchone() == (revision,)


def test_whether_a_study_runs_is_told_without_leaving_a_file(sqlite_url: str, tmp_path: Path) -> None:
    with StudyStore(sqlite_url) as store, ReadOnlyStore(sqlite_url) as looking:
        store.begin("tiny", {})
        assert not is_running(looking, "tiny")
        assert not list(tmp_path.glob(".*.lock"))
        with exclusive(store, "tiny"):
            assert is_running(looking, "tiny")
        assert not is_running(looking, "tiny")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_folder_without_the_right_to_write_is_enough(sqlite_url: str, tmp_path: Path) -> None:
    with StudyStore(sqlite_url) as store:
        begin_with_slice(store)
        with _readable_only(tmp_path):
            assert _as_nobody(lambda: _names(sqlite_url) == ["tiny"])  # beside a writer
    assert not list(tmp_path.glob("*-shm"))
    with _readable_only(tmp_path):
        assert _as_nobody(lambda: _names(sqlite_url) == ["tiny"])  # after it
    assert sorted(each.name for each in tmp_path.iterdir()) == ["crucible.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_log_that_cannot_be_read_is_not_passed_over(sqlite_url: str, tmp_path: Path) -> None:
    StudyStore(sqlite_url).close()
    (tmp_path / "crucible.db-wal").write_bytes(b"what a process that was killed left" * 100)
    with _readable_only(tmp_path):
        assert _as_nobody(lambda: _refused(sqlite_url))


def _names(url: str) -> list[str]:
    with ReadOnlyStore(url) as store:
        return [each.name for each in store.studies() if not is_running(store, each.name)]


def _refused(url: str) -> bool:
    try:
        ReadOnlyStore(url)
    except StorageError as error:
        return "unable to open" in str(error)
    return False


@contextmanager
def _readable_only(folder: Path) -> Iterator[None]:
    """By nobody but root: the folder, its files, and the way to them."""
    places = [folder, *folder.iterdir(), *(each for each in folder.parents if each.is_relative_to("/tmp/"))]
    modes = {each: each.stat().st_mode for each in places}
    for each in places:
        each.chmod(0o755 if each.is_dir() else 0o644)
    yield
    for each in places:
        if each.exists():
            each.chmod(modes[each])


def _as_nobody(call: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(0 if call() else 1)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
