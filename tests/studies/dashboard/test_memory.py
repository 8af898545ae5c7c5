"""What was read is kept until something happened, and costs a search next to nothing."""

from __future__ import annotations

import threading
import time

from studies.dashboard.memory import MOST, Memory
from studies.dashboard.versions import Versions, study_version
from studies.store import StudyStore
from studies.workers.register import beat, join
from studies.workers.wishes import ask
from tests.studies.builders import enter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_version_is_read_once() -> None:
    memory, read = Memory(Clock()), []
    for version in (1, 1, 1, 2, 2):
        memory.of("key", version, lambda: read.append(1))
    assert len(read) == 2


def test_what_takes_long_is_read_so_seldom_that_it_takes_a_hundredth_of_the_time() -> None:
    clock, read = Clock(), []
    memory = Memory(clock)

    def slow() -> int:
        clock.now += 0.2
        read.append(clock.now)
        return len(read)

    began = clock.now
    for version in range(10_000):
        memory.of("key", version, slow)
        clock.now += 0.01
    spent = 0.2 * len(read)
    assert len(read) >= 2
    assert spent / (clock.now - began) < 0.02


def test_of_many_that_ask_at_once_one_reads() -> None:
    memory, read = Memory(), []

    def slow() -> None:
        read.append(1)
        time.sleep(0.05)

    threads = [threading.Thread(target=memory.of, args=("key", 1, slow)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 1


def test_it_forgets_what_was_asked_for_longest_ago_and_everything_when_told() -> None:
    memory, read = Memory(), []
    for key in range(MOST + 1):
        memory.of(key, 1, lambda: None)
    memory.of(MOST, 1, lambda: read.append("kept"))
    memory.of(0, 1, lambda: read.append("gone"))
    assert read == ["gone"]
    memory.clear()
    memory.of(MOST, 1, lambda: read.append("anew"))
    assert read == ["gone", "anew"]


def test_a_version_changes_with_whatever_happens_to_a_study_and_else_not(store: StudyStore) -> None:
    study, other = store.begin("tiny", {}), store.begin("other", {})
    seen = [study_version(store, study)]

    def changed() -> bool:
        seen.append(study_version(store, study))
        return seen[-1] != seen[-2]

    assert not changed()
    enter(store, study, "trial", "trial 0", 0.5, 0)
    assert changed()
    store.finish_candidate(study, "trial", "trial 0", "broke")
    assert changed()
    ask(store, study, "pause")
    assert changed()
    worker = join(store, study)
    assert changed()
    before = seen[-1]
    beat(store, worker, "searching")
    assert changed()
    assert seen[-1].trials == before.trials
    store.set_state(study, "complete")
    assert changed()
    enter(store, other, "trial", "trial 0", 0.7, 0)
    assert not changed()


def test_many_browsers_cost_one_look_a_second(store: StudyStore) -> None:
    clock = Clock()
    versions, study = Versions(clock), store.begin("tiny", {})
    first = versions.of(store, study)
    store.set_state(study, "complete")
    assert versions.of(store, study) is first
    clock.now += 1.01
    assert versions.of(store, study).state == "complete"
