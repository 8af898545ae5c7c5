"""A storage that can't be used is one line with its remedy, and nothing is made where it was looked for."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from studies.errors import StorageError
from studies.store import StudyStore, connect
from studies.store.connect import reading, writing
from tests.studies.builders import begin_with_slice, make_results


def refusal(url: str, *, create: bool = True) -> str:
    with pytest.raises(StorageError) as caught:
        StudyStore(url, create=create)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("url", ["crucible.db", "", "sqlite//crucible.db", "postgresql://host:port/name"])
def test_what_is_no_url_is_answered_with_one(url: str) -> None:
    assert f"{url!r} is not a database URL: write sqlite:///FILE" in refusal(url)


@pytest.mark.parametrize("url", ["mysql://host/name", "postgres://host/name", "oracle+x://host/name"])
def test_other_databases_are_refused(url: str) -> None:
    assert "is not supported: write sqlite:///FILE or postgresql" in refusal(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_that_forgets_is_refused(url: str) -> None:
    assert "names no file" in refusal(url)


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    assert f"no folder {folder}: create it" in refusal(f"sqlite:///{folder}/crucible.db")
    assert not folder.exists()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert f"{tmp_path} is a folder: name a file in it" in refusal(f"sqlite:///{tmp_path}")


def test_a_missing_file_is_not_made_where_it_should_be_there(tmp_path: Path) -> None:
    file = tmp_path / "crucible.db"
    assert f"no file {file}: check --storage" in refusal(f"sqlite:///{file}", create=False)
    assert not file.exists()


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, not a database\n" * 100)
    before = file.read_bytes()
    assert "file is not a database: name another file" in refusal(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_folder_that_takes_no_files_is_named_with_a_remedy() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a folder in which nobody may create files")
    assert "check that its folder can be written to" in refusal("sqlite:////proc/self/crucible.db")


def test_a_database_that_may_not_be_written_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    StudyStore(sqlite_url).close()
    (tmp_path / "crucible.db").chmod(0o400)
    assert "make the file and its folder writable" in refusal(sqlite_url)


def test_a_locked_database_is_refused(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StudyStore(sqlite_url).close()
    monkeypatch.setattr("studies.store.connect.LOCK_TIMEOUT_S", 0)
    other = sqlite3.connect(tmp_path / "crucible.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "another program keeps it locked" in refusal(sqlite_url)
    other.close()


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    message = refusal("postgresql+psycopg://me:secret@host/name")
    assert "needs the Python package psycopg: pip install 'crucible[postgres]'" in message
    assert "secret" not in message


def test_a_server_that_does_not_answer_is_one_line_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'crucible[postgres]'")
    message = refusal(f"postgresql+psycopg://me:secret@/name?host={tmp_path}")
    assert "connection" in message
    assert "check the URL, and that the server runs" in message
    assert "secret" not in message


def test_an_existing_database_opens_without_leave_to_create(url: str) -> None:
    with StudyStore(url) as store:
        study = store.begin("tiny", {})
    with StudyStore(url, create=False) as store:
        assert store.study("tiny") == study


def test_a_relative_file_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    with StudyStore("sqlite:///crucible.db") as store:
        store.engine.dispose()
        monkeypatch.chdir(elsewhere)
        store.begin("tiny", {})
    assert (tmp_path / "crucible.db").exists()
    assert not any(elsewhere.iterdir())


def settings(url: str, *names: str) -> list[str]:
    with StudyStore(url) as store, reading(store.engine) as connection:
        return [str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names]


def test_a_server_ends_the_session_of_one_who_vanished_or_was_stopped(postgres_url: str) -> None:
    assert settings(postgres_url, "idle_in_transaction_session_timeout") == ["1min"]
    schema = make_url(postgres_url).query["options"]
    assert schema == f"-csearch_path={settings(postgres_url, 'search_path')[0]}"


def test_what_a_url_says_of_its_sessions_stays(postgres_url: str) -> None:
    own = " -c idle_in_transaction_session_timeout=7000"
    url = make_url(postgres_url)
    both = url.update_query_dict({"options": f"{url.query['options']}{own}"})
    found = settings(
        both.render_as_string(hide_password=False), "idle_in_transaction_session_timeout", "search_path"
    )
    assert found == ["7s", str(url.query["options"]).partition("=")[2]]


def test_a_server_asks_over_a_network_whether_the_other_end_is_there() -> None:
    """Servers of tests listen on no network, on which alone these are told: here, what is asked of one."""
    assert {name for name in connect._SESSION if name.startswith("tcp")} == {
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_keepalives_count",
        "tcp_user_timeout",
    }


def test_sqlite_writes_ahead_and_checks_foreign_keys(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store, reading(store.engine) as connection:
        pragmas = ("journal_mode", "foreign_keys")
        assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas] == ["wal", 1]


def test_reading_does_not_wait_for_a_writer(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        _, recipe, part = begin_with_slice(store)
        store.record(recipe, part, make_results([True]))
        with writing(store.engine) as connection:
            connection.execute(text("DELETE FROM crucible_evidence"))
            assert store.measured(recipe, part) == {0}


@pytest.mark.parametrize(("idle", "lost"), [(0.0, 0), (60.0, 1)])
def test_a_connection_that_was_idle_for_long_is_tried_before_it_is_used(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, idle: float, lost: int
) -> None:
    """One that was used a moment ago is not: if it died since, that is noticed as an outage."""
    monkeypatch.setattr(connect, "IDLE_S", idle)
    with StudyStore(postgres_url) as store, StudyStore(postgres_url) as other:
        with reading(store.engine) as connection:
            session = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with writing(other.engine) as connection:
            connection.execute(text(f"SELECT pg_terminate_backend({session}, 5000)"))
        assert store.studies() == []
        assert store.outage.count == lost


def test_who_reads_leaves_no_transaction_open_on_a_server_and_who_writes_has_one(postgres_url: str) -> None:
    """The connection is the same; what it was opened for is not."""
    own = text("SELECT virtualtransaction FROM pg_locks WHERE pid = pg_backend_pid()")
    with StudyStore(postgres_url) as store:
        for opened, transactions in ((reading, 3), (writing, 1), (reading, 3)):
            with opened(store.engine) as connection:
                seen = {connection.execute(own).scalars().first() for _ in range(3)}
                assert len(seen) == transactions
