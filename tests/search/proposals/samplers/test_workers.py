"""Eight workers waste no proposals: what one finds in so many trials, they find in as many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from search.proposals.samplers import evolution, process
from search.proposals.samplers.coordinates import Array
from tests.search.proposals.samplers.landscape import PLACE, noisy, starting_points, truth

TRIALS, SEEDS = 48, 6
Propose = Callable[[Array, Array, list[bool], Array, int], Array]


def by_process(seed: int) -> Propose:
    fitted = process.Fitted()

    def propose(points: Array, scores: Array, given: list[bool], pending: Array, number: int) -> Array:
        return process.propose(PLACE, points, scores, pending, 1000 * seed + number, fitted)

    return propose


def by_evolution(seed: int) -> Propose:
    played: evolution.Played = []

    def propose(points: Array, scores: Array, given: list[bool], pending: Array, number: int) -> Array:
        known = evolution.Known(points, scores, given)
        return evolution.propose(PLACE, known, TRIALS, 1000 * seed + number, played)

    return propose


def search(propose: Propose, workers: int, seed: int) -> float:
    """How good the trial with the best score is; every worker has begun before the first has an answer."""
    points, score, starts = list(starting_points()), noisy(seed), len(starting_points())
    told: dict[int, float] = {}
    for number in range(TRIALS):
        if number >= starts:
            known, rows = sorted(told), np.array(points)
            waiting = np.array([points[i] for i in range(number) if i not in told]).reshape(-1, rows.shape[1])
            scores = np.array([told[i] for i in known])
            points.append(propose(rows[known], scores, [i < starts for i in known], waiting, number))
        if number >= workers - 1:
            told[number - workers + 1] = score(points[number - workers + 1])
    for number in range(TRIALS):
        told.setdefault(number, score(points[number]))
    return truth(points[max(told, key=lambda i: (told[i], -i))])


@pytest.mark.parametrize("by", [by_process, by_evolution], ids=["gp", "cmaes"])
def test_eight_workers_find_what_one_finds(by: Callable[[int], Propose]) -> None:
    alone, together = (
        np.array([search(by(seed), workers, seed) for seed in range(SEEDS)]) for workers in (1, 8)
    )
    noise = np.sqrt((alone.var(ddof=1) + together.var(ddof=1)) / SEEDS)
    assert together.mean() > alone.mean() - 2 * noise - 0.01
    begun = max(truth(point) for point in starting_points())
    assert together.mean() > begun + 0.05


def test_a_trial_that_is_being_measured_is_not_proposed_again() -> None:
    points, fitted = starting_points(), process.Fitted()
    scores = np.array([noisy(0)(point) for point in points])
    pending: list[Array] = []
    for _ in range(6):
        waiting = np.array(pending).reshape(-1, points.shape[1])
        pending.append(process.propose(PLACE, points, scores, waiting, 7, fitted))  # one seed for all
    apart = [np.abs(a - b).max() for i, a in enumerate(pending) for b in pending[:i]]
    assert min(apart) > 0.02
