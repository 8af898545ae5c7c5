"""Workers join, beat and leave."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from studies.errors import WorkerLost
from studies.store import StudyStore
from studies.store.lease import is_running
from studies.workers.holds import held, take
from studies.workers.register import Watch, all_workers, beat, join, leave, living
from studies.workers.worker import Worker
from tests.studies.workers.builders import change, join_elsewhere, working_process


def test_a_worker_is_the_process_that_joins(store: StudyStore, study: int) -> None:
    worker = join(store, study, {"gpus": ["0"]})
    assert (worker.study, worker.pid, worker.state, worker.beats) == (study, os.getpid(), "working", 0)
    assert worker.place == {"gpus": ["0"]}
    assert living(store, study) == [worker]


def test_a_beat_says_what_a_worker_does_and_leaves_what_it_does_not_say(
    store: StudyStore, study: int
) -> None:
    worker = join(store, study)
    beat(store, worker, "trial 3", {"tokens": 12})
    (found,) = living(store, study)
    assert found == replace(
        worker, beats=1, doing="trial 3", stats={"tokens": 12}, updated_at=found.updated_at
    )
    beat(store, worker)
    (found,) = living(store, study)
    assert (found.beats, found.doing, found.stats) == (2, "trial 3", {"tokens": 12})
    beat(store, worker, "", {})
    (found,) = living(store, study)
    assert (found.doing, found.stats) == (None, {})


def test_a_worker_that_leaves_holds_nothing_any_more(store: StudyStore, study: int) -> None:
    worker = join(store, study)
    take(store, worker, "baselines", "base")
    leave(store, worker, "paused")
    assert living(store, study) == []
    assert "base" not in held(store, study, "baselines")
    (found,) = all_workers(store)
    assert (found.state, found.reason) == ("ended", "paused")


def test_workers_are_listed_in_the_order_in_which_they_joined(store: StudyStore, study: int) -> None:
    other = store.begin("other", {})
    one, two, three = join(store, study), join(store, other), join(store, study)
    assert [each.id for each in living(store, study)] == [one.id, three.id]
    assert [each.id for each in all_workers(store)] == [one.id, two.id, three.id]


def test_one_whose_process_is_gone_is_not_living(store: StudyStore, study: int, url: str) -> None:
    with working_process(url, study) as process:
        assert [each.pid for each in living(store, study)] == [process.pid]
        process.kill()
        process.wait()
        assert living(store, study) == []


def _twice(store: StudyStore, act: Callable[[], object]) -> None:
    before = all_workers(store)
    act()
    once = all_workers(store)
    act()
    twice = all_workers(store)
    assert once != before
    assert [replace(each, updated_at=None) for each in twice] == [
        replace(each, updated_at=None) for each in once
    ]


def test_leaving_twice_is_leaving_once(store: StudyStore, study: int) -> None:
    worker = join(store, study)
    _twice(store, lambda: leave(store, worker, "done"))


def test_a_worker_that_was_declared_lost_is_told_so(store: StudyStore, study: int) -> None:
    worker = change(store, join(store, study), started="another process of this number")
    Watch().bury(store, study)
    for act in (lambda: beat(store, worker), lambda: take(store, worker, "trials", "0")):
        with pytest.raises(WorkerLost, match="taken for dead: others have its work now") as caught:
            act()
        assert "\n" not in str(caught.value)
    leave(store, worker)
    assert [(each.state, each.reason) for each in all_workers(store)] == [("lost", "its process is gone")]


# -- whether a study is being run ----------------------------------------------------------------------------


def test_a_study_with_workers_is_being_run(store: StudyStore, study: int, url: str) -> None:
    assert not is_running(store, "tiny")
    with working_process(url, study) as process:
        assert is_running(store, "tiny")
        process.kill()
        process.wait()
        assert not is_running(store, "tiny")
    worker = join(store, study)
    assert is_running(store, "tiny")
    leave(store, worker)
    assert not is_running(store, "tiny")


def test_a_study_is_being_run_by_workers_elsewhere_while_they_are_heard_of(
    store: StudyStore, study: int
) -> None:
    worker: Worker = join_elsewhere(store, study)
    assert is_running(store, "tiny")
    assert worker.updated_at is not None
    change(store, worker, updated_at=worker.updated_at.replace(year=worker.updated_at.year - 1))
    assert not is_running(store, "tiny")
    beat(store, worker)
    assert is_running(store, "tiny")
