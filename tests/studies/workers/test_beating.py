"""A worker beats whatever it waits for and while its database comes and goes, until it is taken for dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from studies.store import StudyStore
from studies.workers.register import Watch, all_workers, beating, join
from tests.studies.server import Server
from tests.studies.workers.builders import change

EVERY = 0.05


def until(done: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_beats_go_on_while_the_block_does_something_else(store: StudyStore, study: int) -> None:
    tokens = iter(range(1, 10**6))
    with beating(store, join(store, study), EVERY, lambda: {"tokens": next(tokens)}) as pulse:
        until(lambda: all_workers(store)[0].beats >= 3)
        pulse.doing = "trial 7"
        until(lambda: all_workers(store)[0].doing == "trial 7")
        assert not pulse.lost
    (worker,) = all_workers(store)
    assert worker.stats == {"tokens": worker.beats}
    time.sleep(4 * EVERY)
    assert all_workers(store) == [worker]


def test_one_that_was_buried_learns_of_it_and_beats_no_more(store: StudyStore, study: int) -> None:
    with beating(store, join(store, study), EVERY) as pulse:
        until(lambda: all_workers(store)[0].beats >= 1)
        change(store, all_workers(store)[0], started="0")
        until(lambda: bool(Watch().bury(store, study)))
        until(lambda: pulse.lost)
        beats = all_workers(store)[0].beats
        time.sleep(4 * EVERY)
        assert all_workers(store)[0].beats == beats


def test_beats_go_on_when_the_database_is_back(server: Server) -> None:
    with StudyStore(server.url) as store:
        study = store.begin("beats", {})
        with beating(store, join(store, study), EVERY) as pulse:
            until(lambda: all_workers(store, study)[0].beats >= 1)
            with server.away():
                time.sleep(0.5)
            beats = all_workers(store, study)[0].beats
            until(lambda: all_workers(store, study)[0].beats > beats + 2)
            assert not pulse.lost


def test_a_block_ends_at_once_while_the_database_is_away(server: Server) -> None:
    with StudyStore(server.url) as store:
        study = store.begin("ends", {})
        with server.away():
            pass
        with beating(store, join(store, study), 3600.0):
            until(lambda: all_workers(store, study)[0].beats >= 1)
            server.stop()
            begun = time.monotonic()
        assert time.monotonic() - begun < 5
        server.start()


def test_a_mistake_in_what_is_said_is_raised_when_the_block_ends(store: StudyStore, study: int) -> None:
    with pytest.raises(ZeroDivisionError), beating(store, join(store, study), EVERY, lambda: {"x": 1 / 0}):
        pass
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("beats of")] == []


def test_the_blocks_own_error_comes_first(store: StudyStore, study: int) -> None:
    with pytest.raises(KeyError), beating(store, join(store, study), EVERY, lambda: {"x": 1 / 0}):
        raise KeyError
