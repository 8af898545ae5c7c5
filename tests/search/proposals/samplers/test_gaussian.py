"""A Gaussian process says what its formulas say, and its slopes are theirs."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution

from search.proposals.samplers import gaussian
from search.proposals.samplers.coordinates import Array, Coordinates
from search.proposals.samplers.gaussian import Scales
from search.proposals.samplers.seeking import log_improvement, seek
from tests.search.proposals.samplers.landscape import PLACE, SPACE, noisy, starting_points, truth

SCALES = Scales(0.5, 0.6, 0.8, 0.3, 0.1, 1.0)
MIXED = Coordinates.of({"method": CategoricalDistribution(("ties", "linear", "slerp")), **SPACE})


def scattered(count: int, place: Coordinates = PLACE) -> Array:
    points = np.random.RandomState(0).rand(count, len(place.group))
    return np.where(place.categories, np.floor(3 * points), points)


def test_it_expects_what_the_closed_form_expects() -> None:
    points, scores = scattered(12), np.random.RandomState(1).rand(12)
    process = gaussian.condition(
        gaussian.ground(PLACE, SCALES, points), scores, np.empty((0, points.shape[1]))
    )
    coarse, residual, _ = PLACE.distances(PLACE.seen(points), PLACE.seen(points))
    near = coarse / SCALES.coarse**2 / 6
    whole = near + residual / SCALES.residual**2 / 48

    def matern(squared: Array) -> Array:
        far = np.sqrt(5 * squared)
        return (1 + far + 5 * squared / 3) * np.exp(-far)

    covariance = 0.8 * matern(near) + 0.3 * matern(whole)
    standard = (scores - scores.mean()) / scores.std()
    inverse = np.linalg.inv(covariance + (0.1 + 1e-8) * np.eye(12))
    expected, deviation = process.predict(points)
    assert np.allclose(expected, scores.mean() + scores.std() * covariance @ inverse @ standard)
    variance = 1.1 - np.einsum("ij,jk,ki->i", covariance, inverse, covariance)
    assert np.allclose(deviation, scores.std() * np.sqrt(variance))
    assert np.allclose(process.expected, expected)


@pytest.mark.parametrize("place", [PLACE, MIXED], ids=["numbers", "choices"])
def test_its_slopes_are_those_of_what_it_expects(place: Coordinates) -> None:
    points, scores = scattered(15, place), np.random.RandomState(1).rand(15)
    process = gaussian.condition(
        gaussian.ground(place, SCALES, points), scores, np.empty((0, points.shape[1]))
    )
    at, step = scattered(3, place)[:, ::1] * 0.5 + 0.2, 1e-6
    at[:, place.categories] = 1.0
    *values, rising, widening = process.slopes(at)
    assert np.allclose(values, process.predict(at))
    slopes = rising, widening
    for number in place.numbers[:: len(place.numbers) // 7]:
        moved = np.eye(at.shape[1])[number] * step
        around = process.predict(at + moved), process.predict(at - moved)
        for slope, up, down in zip(slopes, *around, strict=True):
            assert np.allclose(slope[:, number], (up - down) / (2 * step), atol=1e-5)


def test_the_fitted_scales_explain_the_trials_better_than_others() -> None:
    points = scattered(40)
    scores = np.array([truth(point) for point in points]) + 0.01 * np.random.RandomState(0).randn(40)
    scales = gaussian.fit(PLACE, points, scores)
    fresh = np.random.RandomState(5).rand(60, points.shape[1])
    none = np.empty((0, points.shape[1]))
    process = gaussian.condition(gaussian.ground(PLACE, scales, points), scores, none)
    right = np.array([truth(point) for point in fresh])
    miss = np.abs(process.predict(fresh)[0] - right).mean()
    assert miss < 0.7 * np.abs(scores.mean() - right).mean()


def test_scores_without_a_spread_or_an_end_are_no_trouble() -> None:
    points = scattered(10)
    none = np.empty((0, points.shape[1]))
    for scores in (np.full(10, 0.5), np.array([np.inf, -np.inf, *np.arange(8.0)]), np.full(10, -np.inf)):
        process = gaussian.condition(
            gaussian.ground(PLACE, gaussian.fit(PLACE, points, scores), points), scores, none
        )
        found = seek(process, np.random.RandomState(0))
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_improvement_is_expected_improvement_near_and_far() -> None:
    from scipy.stats import norm

    z = np.array([-8.0, -2.0, -0.1, 0.0, 0.5, 6.0])
    wanted = np.log(0.1 * (norm.pdf(z) + z * norm.cdf(z)))
    assert np.allclose(log_improvement(0.1 * z, np.full(6, 0.1), 0.0), wanted, rtol=1e-6)
    far = log_improvement(np.array([-1e3, -1e2, -30.0, -24.0, -10.0, 1e3, 1e6]), np.ones(7), 0.0)
    assert np.isfinite(far).all()
    assert (np.diff(far) > 0).all()


def test_choices_that_do_better_are_chosen() -> None:
    points = scattered(60, MIXED)
    scores = 0.1 * np.array([truth(point[1:]) for point in points]) + 0.5 * (points[:, 0] == 2)
    none = np.empty((0, points.shape[1]))
    process = gaussian.condition(
        gaussian.ground(MIXED, gaussian.fit(MIXED, points, scores), points), scores, none
    )
    assert [seek(process, np.random.RandomState(seed))[0] for seed in range(5)] == 5 * [2.0]


def test_a_noisy_search_comes_nearer_to_the_best_than_its_starting_points() -> None:
    score, points = noisy(3), starting_points()
    scores = np.array([score(point) for point in points])
    for number in range(20):
        none = np.empty((0, points.shape[1]))
        process = gaussian.condition(
            gaussian.ground(PLACE, gaussian.fit(PLACE, points, scores), points), scores, none
        )
        points = np.vstack([points, seek(process, np.random.RandomState(number))])
        scores = np.append(scores, score(points[-1]))
    assert truth(points[np.argmax(scores)]) > max(map(truth, starting_points())) + 0.08
