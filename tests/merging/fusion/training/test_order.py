"""Which examples a step learns from, and how fast: functions of seed and step alone."""

from __future__ import annotations

import numpy as np
import pytest

from merging.fusion.training.order import Order
from merging.fusion.training.settings import Settings


def order(settings: Settings, count: int = 10) -> Order:
    lengths = np.arange(1, count + 1) * 3
    return Order(settings, np.arange(count), lengths, lengths - 1)


def test_an_epoch_takes_every_example_once() -> None:
    made = order(Settings(batch=4, epochs=2))
    assert made.steps == 6
    for epoch in (0, 3):
        assert sorted(np.concatenate([made.batch(epoch + i) for i in range(3)])) == list(range(10))
    assert [len(made.batch(step)) for step in range(6)] == [4, 4, 2] * 2


def test_every_epoch_and_seed_has_an_order_of_its_own_and_the_same_again() -> None:
    first = [order(Settings(batch=10, seed=3)).batch(step).tolist() for step in range(3)]
    assert first == [order(Settings(batch=10, seed=3)).batch(step).tolist() for step in range(3)]
    assert len({tuple(each) for each in first}) == 3
    assert order(Settings(batch=10, seed=4)).batch(0).tolist() != first[0]


def test_examples_that_teach_nothing_never_come() -> None:
    made = Order(Settings(batch=2), np.array([1, 3]), np.array([5, 6, 7, 8]), np.array([0, 2, 0, 4]))
    assert (made.steps, sorted(made.batch(0)), made.tokens(0), made.longest) == (3, [1, 3], 6, 8)


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_processes_share_a_step_in_groups_of_like_length(processes: int) -> None:
    made = order(Settings(batch=10))
    shares = [made.micro_batches(0, 2, process, processes) for process in range(processes)]
    assert len({tuple(len(group) for group, _ in share) for share in shares}) == 1
    taught = [n for share in shares for group, mute in share for n in group[: len(group) - mute]]
    assert sorted(taught) == list(range(10))
    for share in shares:
        lengths = [made.lengths[n] for group, mute in share for n in group[: len(group) - mute]]
        assert lengths == sorted(lengths, reverse=True)


def test_the_rate_warms_up_and_falls_like_a_cosine() -> None:
    made = order(Settings(batch=1, epochs=10, rate=2.0, warmup=0.04))
    rates = [made.rate(step) for step in range(made.steps)]
    assert rates[:4] == [0.5, 1.0, 1.5, 2.0]
    assert rates[4] == 2.0
    assert rates[52] == pytest.approx(1.0)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.001
    assert order(Settings(batch=1, rate=2.0, warmup=0.0)).rate(0) == 2.0
