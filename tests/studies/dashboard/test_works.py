"""Long work is done once, beside whoever asks; what was known is told meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from studies.dashboard.works import Works


def wait(works: Works, key: str, version: int, work: Callable[[], int]) -> int:
    for _ in range(400):
        if (found := works.of(key, version, work)) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("never known")


def test_whoever_asks_first_waits_for_nothing_and_it_is_done_once() -> None:
    works, go, calls = Works(), threading.Event(), []

    def work() -> int:
        calls.append(1)
        go.wait(60)
        return 7

    assert [works.of("a", 1, work) for _ in range(5)] == [None] * 5
    go.set()
    assert wait(works, "a", 1, work) == 7
    assert len(calls) == 1


def test_what_was_known_is_told_until_the_new_is() -> None:
    works, go = Works(), threading.Event()
    assert wait(works, "a", 1, lambda: 1) == 1

    def slow() -> int:
        go.wait(60)
        return 2

    assert works.of("a", 2, slow) == 1
    go.set()
    for _ in range(400):
        if works.of("a", 2, slow) == 2:
            break
        time.sleep(0.01)
    assert works.of("a", 2, slow) == 2


def test_work_that_fails_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    works, tries = Works(), []

    def work() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("gone")
        return 3

    assert wait(works, "a", 1, work) == 3
    assert [record.message for record in caplog.records] == ["a was not worked out"] * 2


def test_what_took_long_is_not_worked_out_again_soon() -> None:
    works, calls = Works(), []

    def slow() -> int:
        time.sleep(0.05)
        calls.append(1)
        return len(calls)

    assert wait(works, "a", 1, slow) == 1
    for version in range(2, 50):
        assert works.of("a", version, slow) == 1
        time.sleep(0.005)
    assert len(calls) == 1, "after 50 ms of work it rests for 5 s"
