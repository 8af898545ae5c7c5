"""Who is dead is buried, soon where that is certain; nobody else is, whatever clocks and the database do."""

from __future__ import annotations

import os
import threading
from datetime import datetime

import pytest

from studies.errors import WorkerLost
from studies.store import StudyStore
from studies.workers import register
from studies.workers.holds import held, take
from studies.workers.register import Watch, all_workers, beat, join
from tests.studies.server import Server
from tests.studies.workers.builders import change, join_elsewhere, working_process


class Clock:
    """A monotonic clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> Watch:
    return Watch(30.0, clock)


def look(watch: Watch, clock: Clock, store: StudyStore, study: int, times: int, every: float = 5.0) -> int:
    """Looks so often; returns at which look somebody was buried, or 0."""
    for number in range(1, times + 1):
        clock.now += every
        if watch.bury(store, study):
            return number
    return 0


# -- on this machine -----------------------------------------------------------------------------------------


def test_a_process_that_was_killed_is_buried_at_the_first_look(
    store: StudyStore, study: int, url: str, watch: Watch
) -> None:
    with working_process(url, study) as process:
        assert watch.bury(store, study) == []
        process.kill()
        process.wait()
        (buried,) = watch.bury(store, study)
    assert buried.pid == process.pid
    assert "0" not in held(store, study, "trials")
    assert [(each.state, each.reason) for each in all_workers(store)] == [("lost", "its process is gone")]
    assert watch.bury(store, study) == []


def test_a_killed_process_whose_parent_has_not_asked_for_it_yet_is_dead(
    store: StudyStore, study: int, url: str, watch: Watch
) -> None:
    with working_process(url, study) as process:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
        assert [each.pid for each in watch.bury(store, study)] == [process.pid]


def test_a_process_whose_number_another_one_has_now_is_dead(
    store: StudyStore, study: int, watch: Watch
) -> None:
    worker = change(store, join(store, study), started="1")
    assert worker.pid == os.getpid()
    assert [each.id for each in watch.bury(store, study)] == [worker.id]


def test_a_process_that_is_there_but_stopped_is_buried_after_minutes_and_learns_of_it(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    worker = join(store, study)
    take(store, worker, "trials", "0")
    watch.bury(store, study)
    assert look(watch, clock, store, study, times=100) == 60
    assert [each.reason for each in all_workers(store)] == ["it was not heard of for 300 s"]
    assert held(store, study, "trials") == frozenset()
    with pytest.raises(WorkerLost, match="taken for dead"):
        beat(store, worker)


def test_a_process_that_is_there_and_beats_now_and_then_lives(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    worker = join(store, study)
    for _ in range(3):
        assert look(watch, clock, store, study, times=55) == 0
        beat(store, worker)


def test_a_process_that_others_may_not_see_is_not_taken_for_dead(
    store: StudyStore, study: int, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with /proc mounted with hidepid: its files are not there, but a signal is refused, not lost."""
    join(store, study)

    def hidden(_: int) -> tuple[str, str]:
        raise FileNotFoundError

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("studies.store.presence._state_and_start", hidden)
    monkeypatch.setattr("studies.store.presence.os.kill", refuse)
    assert watch.bury(store, study) == []


# -- on other machines ---------------------------------------------------------------------------------------


def test_one_elsewhere_is_buried_when_it_was_watched_long_enough_without_a_beat(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    worker = join_elsewhere(store, study)
    take(store, worker, "trials", "0")
    watch.bury(store, study)
    assert look(watch, clock, store, study, times=10) == 6
    assert "0" not in held(store, study, "trials")
    assert [each.reason for each in all_workers(store)] == ["it was not heard of for 30 s"]


def test_one_elsewhere_that_beats_now_and_then_lives(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    worker = join_elsewhere(store, study)
    for _ in range(5):
        assert look(watch, clock, store, study, times=6) == 0
        beat(store, worker)
    assert look(watch, clock, store, study, times=10) == 7


def test_one_that_joins_late_is_watched_from_then_on(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    assert look(watch, clock, store, study, times=20) == 0
    join_elsewhere(store, study)
    assert look(watch, clock, store, study, times=10) == 7


def test_a_machine_with_this_ones_name_is_another_one(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    """Containers and clones share names, and number their processes on their own."""
    change(store, join(store, study), boot="of another boot", pid=2**22 + 1)
    assert watch.bury(store, study) == []
    assert look(watch, clock, store, study, times=10) == 6


def test_time_in_which_nobody_looked_counts_for_little(
    store: StudyStore, study: int, watch: Watch, clock: Clock
) -> None:
    """The watcher may have slept, been stopped, or been busy; others may have, too."""
    join_elsewhere(store, study)
    watch.bury(store, study)
    assert look(watch, clock, store, study, times=2, every=3600.0) == 0
    assert look(watch, clock, store, study, times=2, every=3600.0) == 1


@pytest.mark.parametrize("year", [1970, 2999])
def test_the_time_of_day_buries_nobody(
    store: StudyStore, study: int, watch: Watch, clock: Clock, year: int
) -> None:
    then = datetime(year, 1, 1)
    change(store, join_elsewhere(store, study), joined_at=then, updated_at=then)
    watch.bury(store, study)
    assert look(watch, clock, store, study, times=5) == 0


def test_a_database_that_was_away_buries_nobody(server: Server, watch: Watch, clock: Clock) -> None:
    with StudyStore(server.url) as store:
        study = store.begin("away", {})
        worker = join_elsewhere(store, study)
        watch.bury(store, study)
        assert look(watch, clock, store, study, times=5) == 0
        server.stop()

        def wait(_: float) -> None:
            clock.now += 60.0
            server.start()

        store.wait = wait
        assert watch.bury(store, study) == [], "nobody could beat meanwhile"
        assert store.outage.count == 1
        assert look(watch, clock, store, study, times=5) == 0
        beat(store, worker)
        assert look(watch, clock, store, study, times=6) == 0


def test_a_database_that_goes_away_between_look_and_burial_buries_nobody(
    server: Server, watch: Watch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StudyStore(server.url) as store:
        study = store.begin("between", {})
        join_elsewhere(store, study)
        watch.bury(store, study)
        look(watch, clock, store, study, times=5)
        read = register.all_workers

        def read_then_lose(*args: object) -> object:
            found = read(*args)  # type: ignore[arg-type]
            server.stop()
            return found

        with monkeypatch.context() as patch:
            patch.setattr(register, "all_workers", read_then_lose)
            clock.now += 5
            assert watch.bury(store, study) == []
        server.start()
        assert look(watch, clock, store, study, times=6) == 0
        assert [each.state for each in all_workers(store, study)] == ["working"]


def test_one_that_beats_between_look_and_burial_lives(
    store: StudyStore, study: int, watch: Watch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = join_elsewhere(store, study)
    watch.bury(store, study)
    look(watch, clock, store, study, times=5)
    read = register.all_workers

    def read_then_beat(*args: object) -> object:
        found = read(*args)  # type: ignore[arg-type]
        beat(store, worker)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(register, "all_workers", read_then_beat)
        clock.now += 5
        assert watch.bury(store, study) == []
    assert [each.state for each in all_workers(store)] == ["working"]


def test_many_that_bury_at_once_count_one_death(store: StudyStore, study: int) -> None:
    dead = [change(store, join(store, study), started=str(number)) for number in range(3)]
    for number, worker in enumerate(dead):
        change(store, worker, started=register.this_process().started)
        take(store, worker, "trials", str(number))
        change(store, worker, started="0")
    meet = threading.Barrier(6)
    buried = []

    def bury() -> None:
        meet.wait()
        buried.extend(Watch().bury(store, study))

    threads = [threading.Thread(target=bury) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.id for each in buried) == sorted(each.id for each in dead)
    worker = join(store, study)
    holds = [take(store, worker, "trials", str(number)) for number in range(3)]
    assert [hold.deaths for hold in holds if hold] == [1, 1, 1]


def test_the_dead_of_other_studies_are_left_to_those(store: StudyStore, study: int, watch: Watch) -> None:
    other = store.begin("other", {})
    change(store, join(store, other), started="0")
    assert watch.bury(store, study) == []
    assert len(watch.bury(store, other)) == 1
