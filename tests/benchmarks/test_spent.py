"""The parts of a trial's time: nested work counts once, and the parts add up."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.machine import describe_machine
from benchmarks.spent import Clock, TrialTimes


def test_what_is_timed_inside_something_timed_counts_there_alone() -> None:
    clock = Clock()
    inner = clock.timed("inner", lambda: time.sleep(0.02))
    clock.timed("outer", lambda: (inner(), inner()))()
    spent = clock.take()
    assert spent["inner"] >= 0.04
    assert spent["outer"] < spent["inner"]
    assert clock.take() == {}


def test_a_function_that_fails_is_timed_too_and_fails() -> None:
    clock = Clock()
    with pytest.raises(ZeroDivisionError):
        clock.timed("broken", lambda: 1 / 0)()
    assert clock.take().keys() == {"broken"}


def test_what_other_threads_do_is_counted_apart() -> None:
    clock = Clock()
    grade = clock.timed("grading", lambda: time.sleep(0.02))

    def asked() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(grade).result()

    clock.timed("waiting", asked)()
    assert clock.take().keys() == {"waiting"}
    beside = clock.take_beside()
    assert beside.keys() == {"grading"}
    assert beside["grading"] >= 0.02


def test_the_engine_is_busy_while_it_answers() -> None:
    trials = ({"generation": 9.0, "whole": 10.0}, {"generation": 19.0, "whole": 20.0})
    beside = ({"sandbox": 4.0}, {"sandbox": 6.0})
    times = TrialTimes(describe_machine(), "vllm/float32", 501, trials, 0.5, beside)
    assert times.busy == pytest.approx((0.9 + 0.95) / 2)
    assert times.to_json()["goals"]["busy"] == {"share": times.busy, "at_least": 0.9}
    assert "engine busy: 92.5% of a trial (at least 90%) ✓" in times.to_markdown()
    assert "| sandbox | 5000.0 | 33.3% |" in times.to_markdown()


def test_our_own_work_is_what_nobody_else_did() -> None:
    trial = {"merging": 1.0, "generation": 4.0, "swap": 0.2, "canary": 0.1, "store": 0.05, "rest": 0.02}
    times = TrialTimes(
        describe_machine(), "vllm/float32", 501, ({**trial, "whole": sum(trial.values())},), 0.5
    )
    assert times.swap == pytest.approx(0.3)
    assert times.ours == pytest.approx(0.07)
    assert times.to_json()["goals"]["ours"]["limit"] == 0.1
    assert "| generation | 4000.0 |" in times.to_markdown()
