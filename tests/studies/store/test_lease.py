"""One process at a time runs a study, and a killed one does not keep it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studies.errors import StorageError, StudyHeld, StudyNotFound
from studies.store import StudyStore, lease
from studies.store.lease import exclusive, is_running

HOLD = """
import sys
from studies.store.lease import exclusive
from studies.store import StudyStore

with exclusive(StudyStore(sys.argv[1]), "tiny"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_runner_is_refused_in_one_line(store: StudyStore) -> None:
    store.begin("tiny", {})
    refused = pytest.raises(StudyHeld, match="study 'tiny' is already being run")
    with exclusive(store, "tiny"), refused as caught, exclusive(store, "tiny"):
        pass
    assert "\n" not in str(caught.value)


def test_whether_a_study_is_being_run_can_be_asked(store: StudyStore) -> None:
    store.begin("tiny", {})
    assert not is_running(store, "tiny")
    with exclusive(store, "tiny"):
        assert is_running(store, "tiny")
    assert not is_running(store, "tiny")


def test_those_who_look_are_in_nobodys_way(store: StudyStore, url: str) -> None:
    study = store.begin("tiny", {})
    with StudyStore(url) as other:
        looking = lease._lease(store)(store, "tiny", study, look=True)
        looking.__enter__()
        assert not is_running(other, "tiny")
        ending = threading.Timer(0.3, looking.__exit__, (None, None, None))
        ending.start()
        with exclusive(other, "tiny"):
            assert is_running(store, "tiny")
        ending.join()


def test_other_studies_of_a_database_run_at_the_same_time(store: StudyStore) -> None:
    store.begin("tiny", {})
    store.begin("other", {})
    with exclusive(store, "tiny"), exclusive(store, "other"):
        pass


def test_another_process_may_run_a_study_that_ended_or_failed(store: StudyStore, url: str) -> None:
    store.begin("tiny", {})
    with StudyStore(url) as other:
        with pytest.raises(ZeroDivisionError), exclusive(store, "tiny"):
            _ = 1 / 0
        with exclusive(other, "tiny"):
            pass
        with exclusive(store, "tiny"):
            pass


def test_a_killed_process_leaves_the_study_free(store: StudyStore, url: str) -> None:
    store.begin("tiny", {})
    command = [sys.executable, "-c", HOLD, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        by = f" by process {holder.pid}:" if url.startswith("sqlite") else ":"
        with pytest.raises(StudyHeld, match=f"already being run{by}"), exclusive(store, "tiny"):
            pass
        holder.kill()
        holder.wait()
    _enter_when_the_server_noticed(store)


def _enter_when_the_server_noticed(store: StudyStore) -> None:
    """SQLite's lock is gone with the process; a PostgreSQL server sees the closed socket a moment later."""
    attempts = 1 if store.engine.dialect.name == "sqlite" else 1000
    for _ in range(attempts):
        try:
            with exclusive(store, "tiny"):
                return
        except StudyHeld as error:
            last = error
    raise last


def test_an_unknown_study_is_not_held(store: StudyStore) -> None:
    with pytest.raises(StudyNotFound), exclusive(store, "tiny"):
        pass


def test_a_folder_that_takes_no_lock_file_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with StudyStore(sqlite_url) as store:
        study = store.begin("tiny", {})
        (tmp_path / f".crucible.db.study-{study}.lock").mkdir()
        with (
            pytest.raises(StorageError, match="check that the folder can be written to"),
            exclusive(store, "tiny"),
        ):
            pass
