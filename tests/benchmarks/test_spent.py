"""The parts of a trial's time: nested work counts once, and the parts add up."""

from __future__ import annotations

import time

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


def test_our_own_work_is_what_nobody_else_did() -> None:
    trial = {"merging": 1.0, "generation": 4.0, "swap": 0.2, "canary": 0.1, "store": 0.05, "rest": 0.02}
    times = TrialTimes(
        describe_machine(), "vllm/float32", 501, ({**trial, "whole": sum(trial.values())},), 0.5
    )
    assert times.swap == pytest.approx(0.3)
    assert times.ours == pytest.approx(0.07)
    assert times.to_json()["goals"]["ours"]["limit"] == 0.1
    assert "| generation | 4000.0 |" in times.to_markdown()
