"""Whether compiling pays within a single merge."""

from __future__ import annotations

import pytest

from merging.methods.operators import Average, TaskVectors
from merging.worker.once import COMPILING, SAMPLE, Once

QUICK, SLOW = Average(normalize=True), TaskVectors(2, "bernoulli")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def after(once: Once, clock: Clock, kernel: object, elements: int, seconds: float) -> Once:
    """The merge after an eager pass that took so many processor seconds."""

    def run() -> None:
        clock.now += seconds

    once.timed(kernel, elements, run)  # type: ignore[arg-type]
    return once


@pytest.mark.parametrize(
    ("seconds", "threads", "pays"),
    [
        (COMPILING * 1.1 / 9, 1, True),
        (COMPILING * 0.9 / 9, 1, False),
        (COMPILING * 1.1 / 9, 2, False),  # both cores share the rest; one compiles
        (COMPILING * 2.2 / 9, 2, True),
    ],
)
def test_compiling_pays_where_the_rest_would_take_longer_eagerly(
    seconds: float, threads: int, pays: bool
) -> None:
    """A tenth is made, so nine times as much is left."""
    once = Once(10 * SAMPLE, threads, clock := Clock())
    assert after(once, clock, SLOW, SAMPLE, seconds).pays(SLOW) is pays


def test_nothing_is_decided_on_too_little() -> None:
    once = Once(1000 * SAMPLE, 1, clock := Clock())
    assert not once.pays(SLOW)
    assert not after(once, clock, SLOW, SAMPLE - 1, 100.0).pays(SLOW)


def test_each_kernel_is_judged_by_its_own_speed() -> None:
    once = Once(10 * SAMPLE, 1, clock := Clock())
    after(once, clock, QUICK, SAMPLE, COMPILING / 100)
    after(once, clock, SLOW, SAMPLE, COMPILING)
    assert (once.pays(QUICK), once.pays(SLOW)) == (False, True)


def test_what_pays_stays_chosen_to_the_end() -> None:
    once = Once(2 * SAMPLE, 1, clock := Clock())
    assert after(once, clock, SLOW, SAMPLE, 2 * COMPILING).pays(SLOW)
    assert after(once, clock, SLOW, SAMPLE, 0.0).pays(SLOW)


def test_near_the_end_compiling_pays_no_more() -> None:
    once = Once(10 * SAMPLE, 1, clock := Clock())
    assert not after(once, clock, SLOW, 9 * SAMPLE, 8 * COMPILING).pays(SLOW)
