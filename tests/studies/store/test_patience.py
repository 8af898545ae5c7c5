"""A database that is away is asked again until it is back; what can't get better is said at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from studies.errors import StorageError, StorageLost
from studies.store import StudyStore
from studies.store.connect import reading, writing
from studies.store.patience import FIRST_PAUSE_S, LONGEST_PAUSE_S, PATIENCE_S, pauses
from studies.store.rows import StudySlice
from tests.studies.builders import begin_with_slice, make_recipe, make_results, make_slice
from tests.studies.server import Server


@pytest.fixture
def store(server: Server) -> Iterator[StudyStore]:
    """On the server that may be stopped, and emptied."""
    with StudyStore(server.url) as store, writing(store.engine) as connection:
        connection.execute(text("TRUNCATE crucible_studies, crucible_subjects, crucible_slices CASCADE"))
    with StudyStore(server.url) as store:
        yield store


@contextmanager
def back_after(server: Server, seconds: float) -> Iterator[None]:
    """The server is away when the block begins, and back so many seconds later."""
    server.stop()
    timer = threading.Timer(seconds, server.start)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_a_study_outlasts_ten_minutes_without_its_database() -> None:
    assert PATIENCE_S >= 600


def test_pauses_grow_and_are_no_two_processes_the_same() -> None:
    found = [pause for pause, _ in zip(pauses(), range(40), strict=False)]
    assert FIRST_PAUSE_S / 2 <= found[0] <= FIRST_PAUSE_S
    assert all(LONGEST_PAUSE_S / 2 <= pause <= LONGEST_PAUSE_S for pause in found[10:])
    assert len(set(found)) == len(found)


def test_what_is_asked_while_the_server_is_away_is_answered_when_it_is_back(
    store: StudyStore, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    study = store.begin("tiny", {"seed": 0})
    with back_after(server, 1.5), caplog.at_level(logging.WARNING):
        assert store.study("tiny") == study
        assert store.identity(study) == {"seed": 0}
    away, back = (record.getMessage() for record in caplog.records)
    assert away.startswith("storage postgresql+psycopg://")
    assert away.endswith(f"; trying again for {PATIENCE_S:.0f} s")
    assert back.startswith("the storage is back after ")
    assert "\n" not in away + back
    assert store.outage.count == 1


def every_writer(study: int, part: StudySlice) -> list[Callable[[StudyStore], object]]:
    recipe, other = make_recipe(0.5), make_recipe(0.25)
    return [
        lambda store: store.begin("tiny", {"seed": 0}),
        lambda store: store.set_state(study, "judging"),
        lambda store: store.add_slices(study, [part]),
        lambda store: store.remember_slices([make_slice("math")]),
        lambda store: store.add_recipe(recipe),
        lambda store: store.register_candidate(study, "trial", "trial 1", 1, other.digest),
        lambda store: store.finish_candidate(study, "trial", "trial 1", "NaN", "not finite"),
        lambda store: store.record(other.digest, part.digest, make_results([True])),
        lambda store: store.save_selection(study, {"target": "a"}),
        lambda store: store.record_training(study, "a", [(1, {"loss": 0.5})]),
    ]


def test_every_writer_may_be_asked_twice(store: StudyStore) -> None:
    """For a commit may have been made whose answer got lost."""
    study, _, part = begin_with_slice(store)
    whole = store.slices(study)[0]
    assert whole.digest == part
    for write in every_writer(study, whole):
        write(store)
        once = _everything(store)
        write(store)
        assert _everything(store) == once


def _everything(store: StudyStore) -> dict[str, list[tuple[object, ...]]]:
    changing = {"created_at", "updated_at", "measured_at", "at"}
    with reading(store.engine) as connection:
        tables = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE tablename LIKE 'crucible%' ORDER BY tablename")
        ).scalars()
        return {
            table: sorted(
                tuple(str(value) for name, value in row._mapping.items() if name not in changing)
                for row in connection.execute(text(f"SELECT * FROM {table}"))
            )
            for table in tables.all()
        }


def test_nothing_is_lost_when_the_server_crashes_in_the_middle(store: StudyStore, server: Server) -> None:
    study, recipe, part = begin_with_slice(store, n=400)
    done = threading.Event()

    def work(first: int) -> None:
        for item in range(first, 400, 4):
            store.record(recipe, part, make_results([item % 3 == 0], first=item))
            store.register_candidate(study, "trial", f"trial of {item}", item, recipe)
        done.set()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        with server.away():
            time.sleep(0.3)
        time.sleep(0.3)
    for thread in threads:
        thread.join()
    assert done.is_set()
    assert store.verdicts([recipe], part)[recipe] == {item: item % 3 == 0 for item in range(400)}
    assert len(store.candidates(study)) == 401


def test_patience_ends_in_one_line(store: StudyStore, server: Server) -> None:
    store.patience = 0.5
    with server.away():
        begun = time.monotonic()
        with pytest.raises(
            StorageError, match=r"server runs and lets you in \(tried again for 0 s\)"
        ) as caught:
            store.studies()
        assert 0.4 < time.monotonic() - begun < 5
        assert not isinstance(caught.value, StorageLost)
        assert "\n" not in str(caught.value)
    assert store.studies() == []


def test_without_patience_it_is_said_at_once(
    store: StudyStore, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    store.patience = 0
    with server.away(), pytest.raises(StorageError, match=r"lets you in$"):
        store.studies()
    assert caplog.records == []


def test_who_waits_can_be_told_to_end(store: StudyStore, server: Server) -> None:
    class Asked(Exception):  # noqa: N818
        pass

    def wait(seconds: float) -> None:
        assert seconds <= 0.5
        raise Asked

    store.wait = wait
    with server.away(), pytest.raises(Asked):
        store.studies()


def test_opening_waits_only_if_it_is_told_to(server: Server) -> None:
    with back_after(server, 1.0):
        with pytest.raises(StorageError, match=r"lets you in$"):
            StudyStore(server.url)
        with StudyStore(server.url, opening=60) as store:
            assert store.patience == PATIENCE_S
            store.studies()


def test_a_session_that_an_administrator_ends_is_begun_anew(store: StudyStore) -> None:
    store.studies()
    with StudyStore(str(store.engine.url)) as other, writing(other.engine) as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(text(f"{others} AND backend_type = 'client backend'"))
    assert store.studies() == []


def test_transactions_in_each_others_way_are_tried_again(store: StudyStore) -> None:
    """PostgreSQL ends one of two that wait for each other."""
    for name in ("a", "b"):
        store.begin(name, {})
    meet = threading.Barrier(2, timeout=120)
    tries = {"a": 0, "b": 0}

    def change(first: str, second: str) -> None:
        tries[first] += 1
        with writing(store.engine) as connection:
            for name in (first, second):
                query = text("UPDATE crucible_studies SET reason = :by WHERE name = :name")
                connection.execute(query, {"by": first, "name": name})
                if name == first and tries[first] == 1:
                    meet.wait()

    pairs = [("a", "b"), ("b", "a")]
    calls = [lambda pair=pair: store.patiently(lambda: change(*pair)) for pair in pairs]
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(tries.values()) == 3
    assert len({study.reason for study in store.studies()}) == 1


def test_our_own_mistakes_are_not_tried_again(store: StudyStore) -> None:
    calls = []

    def mistake() -> None:
        calls.append(1)
        with writing(store.engine) as connection:
            connection.execute(text("INSERT INTO crucible_study_slices VALUES (99, 'search', 'x', 0, 'no')"))

    with pytest.raises(IntegrityError):
        store.patiently(mistake)
    assert len(calls) == 1


def test_a_full_disk_is_said_at_once(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        _, recipe, part = begin_with_slice(store)
        store.engine.dispose()
        with reading(store.engine) as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        store.wait = lambda _: pytest.fail("nobody waits for a disk")
        with pytest.raises(StorageError, match="disk is full: free some space"):
            store.record(recipe, part, make_results([True], text="x" * 100_000))


def test_a_file_that_others_lock_for_long_is_waited_for(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("studies.store.connect.LOCK_TIMEOUT_S", 0)
    with StudyStore(sqlite_url) as store, StudyStore(sqlite_url) as other:
        waits = []
        with writing(other.engine) as connection:

            def wait(seconds: float) -> None:
                waits.append(seconds)
                connection.rollback()

            store.wait = wait
            assert store.begin("tiny", {}) == 1
        assert waits


def test_a_password_is_never_logged(
    store: StudyStore, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    url = store.engine.url.set(password="secret").render_as_string(hide_password=False)
    with StudyStore(url, patience=0.3) as store, server.away(), pytest.raises(StorageError) as caught:
        store.studies()
    assert "secret" not in str(caught.value) + caplog.text
