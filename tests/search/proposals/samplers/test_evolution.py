"""CMA-ES played again over the trials: the package's own strategy, and nothing kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cmaes import CMA
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search.proposals.samplers import evolution
from search.proposals.samplers.coordinates import Array, Coordinates
from search.proposals.samplers.evolution import Known, population, propose, replay
from tests.search.proposals.samplers.landscape import PLACE, starting_points, truth

LINE = Coordinates.of({f"x{i}": FloatDistribution(0.0, 1.0) for i in range(4)})


def known(points: Array, scores: Array, starts: int = 1) -> Known:
    return Known(points, scores, [i < starts for i in range(len(points))])


def played(count: int, seed: int = 0) -> Known:
    """So many trials after a starting point, each proposed from those before."""
    points, scores = np.full((1, 4), 0.4), np.array([-0.5])
    for number in range(count):
        found = propose(LINE, known(points, scores), 96, 1000 * seed + number, [])
        points = np.vstack([points, found])
        scores = np.append(scores, -np.sum((found - 0.8) ** 2))
    return known(points, scores)


def test_generations_are_those_of_the_strategy_itself() -> None:
    trials = played(24)
    size = population(4, 96)
    strategy = CMA(mean=np.full(4, 0.4), sigma=0.25, population_size=size, seed=0, cov=np.eye(4))
    for at in range(1, 25 - size + 1, size):
        part = slice(at, at + size)
        strategy.tell(list(zip(trials.points[part], -trials.scores[part], strict=True)))
    state = replay(LINE, trials, 96, [])
    assert state.strategy is not None
    assert np.allclose(state.strategy.mean, strategy.mean)


def test_what_was_played_before_changes_no_proposal() -> None:
    trials, memory = played(40), evolution.Played()
    for count in (10, 25, 41, 18):
        part = Known(trials.points[:count], trials.scores[:count], trials.given[:count])
        assert propose(LINE, part, 96, 5, memory).tolist() == propose(LINE, part, 96, 5, []).tolist()


def test_it_finds_the_best_and_stays_within_the_cube() -> None:
    trials = played(120)
    assert ((trials.points >= 0) & (trials.points <= 1)).all()
    assert trials.scores[-20:].max() > -0.01


def test_it_begins_at_the_best_starting_point() -> None:
    starts = starting_points()
    scores = np.array([truth(point) for point in starts])
    state = replay(PLACE, known(starts, scores, 4), 100, [])
    assert state.strategy is not None
    assert state.strategy.mean.tolist() == starts[np.argmax(scores)].tolist()


@pytest.mark.parametrize(
    ("numbers", "trials", "size"), [(54, 100, 8), (54, 1000, 15), (192, 60, 6), (2, 500, 6), (24, 200, 13)]
)
def test_a_small_budget_makes_a_small_population(numbers: int, trials: int, size: int) -> None:
    assert population(numbers, trials) == size


def test_a_generation_in_one_place_is_followed_by_a_restart_with_a_larger_population() -> None:
    size = population(4, 96)
    starts = np.array([[0.4] * 4, [0.2] * 4])
    points = np.vstack([starts, np.full((size, 4), 0.4), np.random.RandomState(0).rand(2 * size, 4)])
    trials = known(points, np.append([-0.5, -0.6], np.zeros(3 * size)), 2)
    before = Known(points[: 2 + size], trials.scores[: 2 + size], trials.given[: 2 + size])
    state = replay(LINE, before, 96, [])
    assert state.restarts == 1
    assert state.strategy is not None
    assert state.strategy.population_size == 2 * size
    assert state.strategy.mean.tolist() == [0.2] * 4, "the next best starting point"
    assert replay(LINE, trials, 96, []).restarts == 1


def test_choices_that_do_better_become_likelier() -> None:
    place = Coordinates.of({"method": CategoricalDistribution(("a", "b", "c")), "x": FloatDistribution(0, 1)})
    points, scores = np.empty((0, 2)), np.empty(0)
    for number in range(60):
        found = propose(place, Known(points, scores, [False] * number), 96, number, [])
        points, scores = np.vstack([points, found]), np.append(scores, float(found[0] == 1))
    assert np.mean(points[40:, 0] == 1) > 0.7
    assert replace(replay(place, Known(points, scores, [False] * 60), 96, []), odds=()).restarts == 0
