"""A Gaussian process over a search space: few coordinates that matter most, and all of them around those.

Scores are noisy and few, and hundreds of numbers are searched. So the covariance has two parts: one over the
*coarse* coordinates alone, the mean of each parameter over the sites of the model, and one over them and the
*residuals*, by which a site differs from the mean. How far each part reaches, how much it explains and how
noisy scores are is fitted to the trials. A trial that is being measured is believed to score what the process
expects there, which takes away what could be learned beside it.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), 2 and 5; Matérn 5/2. Scales
that grow with the square root of the dimension: Hvarfner et al., Vanilla Bayesian Optimization Performs Great
in High Dimensions (ICML 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize

from search.proposals.samplers.coordinates import Coordinates, Seen

Array = NDArray[np.float64]

_ROOT_5 = math.sqrt(5.0)
_JITTER = 1e-8
_MEAN = np.array([math.log(0.5), math.log(0.5), math.log(0.8), math.log(0.4), math.log(0.25), 0.0])
_SPREAD = np.array([0.7, 0.7, 0.8, 1.0, 1.0, 1.0])
"""What is believed of the logarithms of `Scales` before any trial: normal, with these means and spreads."""


ENOUGH = 112
"""To so many trials the scales are fitted."""


@dataclass(frozen=True)
class Scales:
    """What is fitted, in units of the unit cube and of the scores' standard deviation."""

    coarse: float
    """Reach over the coarse coordinates, per root of their number."""
    residual: float
    """Reach over the residuals, per root of their number."""
    explains_coarse: float
    """Variance that the coarse coordinates explain."""
    explains_all: float
    """Variance that all of them explain beyond that."""
    noise: float
    """Variance that nothing explains."""
    category: float
    """How fast choices that differ forget each other."""


@dataclass(frozen=True)
class Process:
    """A process that has seen its trials."""

    coordinates: Coordinates
    scales: Scales
    points: Array
    """[trials, parameters] in the unit cube."""
    seen: Seen
    """The same."""
    expected: Array
    """What it expects at each of them."""
    factor: Array
    """Lower Cholesky factor of the trials' covariance."""
    weights: Array
    mean: float
    spread: float

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Expected score and its standard deviation, without noise, at each point: [points] both."""
        covariance = _covariance(self.coordinates, self.scales, self.coordinates.seen(points), self.seen)
        solved = solve_triangular(self.factor, covariance.T, lower=True, check_finite=False)
        variance = np.maximum(self._prior - np.einsum("ij,ij->j", solved, solved), 1e-10)
        return self.mean + self.spread * (covariance @ self.weights), self.spread * np.sqrt(variance)

    def slopes(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """As `predict`, and how both change with each number: [points, parameters]."""
        own = self.coordinates.seen(points)
        distances = self.coordinates.distances(own, self.seen)
        parts, _, _ = _parts(self.coordinates, self.scales, *distances)
        covariance = parts.coarse + parts.all
        toward = cho_solve((self.factor, True), covariance.T, check_finite=False).T
        deviation = np.sqrt(np.maximum(self._prior - np.einsum("ij,ij->i", covariance, toward), 1e-10))
        rising = self._slope(own, parts, np.broadcast_to(self.weights, covariance.shape))
        falling = self._slope(own, parts, toward)
        expected = self.mean + self.spread * (covariance @ self.weights)
        widening = -self.spread * falling / deviation[:, None]
        return expected, self.spread * deviation, self.spread * rising, widening

    @property
    def _prior(self) -> float:
        return self.scales.explains_coarse + self.scales.explains_all

    def _slope(self, own: Seen, parts: Parts, weights: Array) -> Array:
        """The slope of the weighted sum of covariances, [points, parameters]."""
        place, scales, seen = self.coordinates, self.scales, self.seen
        coarse = weights * (parts.coarse_slope + parts.all_slope)
        residual = weights * parts.all_slope
        by_coarse = coarse.sum(1)[:, None] * own.coarse - coarse @ seen.coarse
        by_coarse /= scales.coarse**2 * place.coarse_count
        by_residual = residual.sum(1)[:, None] * own.residual - residual @ seen.residual
        by_residual /= scales.residual**2 * place.residual_count
        return place.spread_out(by_coarse) + place.residual(by_residual)


@dataclass(frozen=True)
class Parts:
    """Covariances, [points, trials], and their slopes by half the squared distance."""

    coarse: Array
    all: Array
    coarse_slope: Array
    all_slope: Array


def fit(coordinates: Coordinates, points: Array, scores: Array) -> Scales:
    """The likeliest scales for these trials, given what is believed of them before.

    Of many trials some are enough, as far apart in time as can be.
    """
    some = np.unique(np.linspace(0, len(points) - 1, min(len(points), ENOUGH)).round().astype(int))
    points, (_, standard, _) = points[some], _standardised(scores[some])
    seen = coordinates.seen(points)
    distances, choices = coordinates.distances(seen, seen), bool(coordinates.categories.any())

    def cost(logs: Array) -> tuple[float, Array]:
        scales = Scales(*np.exp(logs).tolist())
        parts, near, whole = _parts(coordinates, scales, *distances)
        covariance = parts.coarse + parts.all
        covariance[np.diag_indices_from(covariance)] += scales.noise + _JITTER
        factor = cho_factor(covariance, lower=True, check_finite=False)
        solved = cho_solve(factor, standard, check_finite=False)
        below = np.tril(dpotri(factor[0], lower=1)[0])
        inverse = below + np.tril(below, -1).T
        # the slope of the likelihood by each logarithm is half the sum over this, times the covariance's
        pull = inverse - np.outer(solved, solved)
        by_whole = pull * parts.all_slope
        near_far, both_far = np.vdot(by_whole, near), np.vdot(by_whole, whole)
        other = np.vdot(pull, (parts.coarse + parts.all) * distances[2]) if choices else 0.0
        slopes = [
            -(np.vdot(pull * parts.coarse_slope, near) + near_far),
            -(both_far - near_far),
            np.vdot(pull, parts.coarse),
            np.vdot(pull, parts.all),
            scales.noise * np.trace(pull),
            -scales.category * other,
        ]
        away = (logs - _MEAN) / _SPREAD
        likelihood = 0.5 * float(standard @ solved) + float(np.log(np.diag(factor[0])).sum())
        return likelihood + 0.5 * float(away @ away), 0.5 * np.array(slopes) + away / _SPREAD

    bounds = [(mean - 3 * spread, mean + 3 * spread) for mean, spread in zip(_MEAN, _SPREAD, strict=True)]
    found = minimize(cost, _MEAN, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 20})
    return Scales(*np.exp(found.x).tolist())


@dataclass(frozen=True)
class Ground:
    """Trials whose covariance is factored, before anything is known of their scores."""

    coordinates: Coordinates
    scales: Scales
    points: Array
    """[trials, parameters] in the unit cube."""
    seen: Seen
    """The same."""
    factor: Array
    """Lower Cholesky factor of the trials' covariance."""

    def __add__(self, points: Array) -> Ground:
        """These trials and further ones behind them; what is factored already is not factored again."""
        if not len(points):
            return self
        own = self.coordinates.seen(points)
        known = len(self.points)
        factor = np.zeros((known + len(points), known + len(points)), order="F")
        across = _covariance(self.coordinates, self.scales, self.seen, own)
        beside = solve_triangular(self.factor, across, lower=True, check_finite=False)
        corner = _noisy(self.coordinates, self.scales, own) - beside.T @ beside
        factor[:known, :known], factor[known:, :known] = self.factor, beside.T
        factor[known:, known:] = _factored(corner)
        return Ground(
            self.coordinates, self.scales, np.vstack([self.points, points]), self.seen + own, factor
        )


def ground(coordinates: Coordinates, scales: Scales, points: Array) -> Ground:
    """What many proposals have in common: the trials' covariance by these scales, factored."""
    seen = coordinates.seen(points)
    return Ground(coordinates, scales, points, seen, _factored(_noisy(coordinates, scales, seen)))


def condition(known: Ground, scores: Array, pending: Array) -> Process:
    """The process after the trials that are known; of the `pending` ones, it believes what it expects."""
    mean, standard, spread = _standardised(scores)
    process = _solved(known, standard, mean, spread)
    if not len(pending):
        return process
    expected = (process.predict(pending)[0] - mean) / spread
    return _solved(known + pending, np.append(standard, expected), mean, spread)


def _noisy(coordinates: Coordinates, scales: Scales, seen: Seen) -> Array:
    covariance = _covariance(coordinates, scales, seen, seen)
    covariance[np.diag_indices_from(covariance)] += scales.noise + _JITTER
    return covariance


def _factored(covariance: Array) -> Array:
    """Its lower Cholesky factor, in its place."""
    factor, failed = dpotrf(covariance.T, lower=1, clean=1, overwrite_a=1)
    assert not failed, f"a covariance without a factor: {failed}"
    lower: Array = factor
    return lower


def _solved(known: Ground, standard: Array, mean: float, spread: float) -> Process:
    weights = cho_solve((known.factor, True), standard, check_finite=False)
    expected = mean + spread * (standard - (known.scales.noise + _JITTER) * weights)
    return Process(
        known.coordinates,
        known.scales,
        known.points,
        known.seen,
        expected,
        known.factor,
        weights,
        mean,
        spread,
    )


def _standardised(scores: Array) -> tuple[float, Array, float]:
    """Their mean, themselves less it and over their spread, and that; what is not finite is the worst."""
    finite = np.isfinite(scores)
    if not finite.any():
        return 0.0, np.zeros(len(scores)), 1.0
    best, worst = scores[finite].max(), scores[finite].min()
    held = np.clip(scores, worst, best)
    mean, spread = float(held.mean()), float(held.std()) or 1.0
    return mean, (held - mean) / spread, spread


def _covariance(coordinates: Coordinates, scales: Scales, left: Seen, right: Seen) -> Array:
    return _of_distances(coordinates, scales, *coordinates.distances(left, right))


def _of_distances(
    coordinates: Coordinates, scales: Scales, coarse: Array, residual: Array, other: Array
) -> Array:
    near = coarse * (1.0 / (scales.coarse**2 * coordinates.coarse_count))
    whole = residual * (1.0 / (scales.residual**2 * coordinates.residual_count))
    whole += near
    total, wholly = _matern(near), _matern(whole)
    total *= scales.explains_coarse
    wholly *= scales.explains_all
    total += wholly
    if coordinates.categories.any():
        total *= np.exp(-scales.category * other)
    return total


def _parts(
    coordinates: Coordinates, scales: Scales, coarse: Array, residual: Array, other: Array
) -> tuple[Parts, Array, Array]:
    """The covariance in parts, and the scaled squared distances over coarse coordinates and over all."""
    near = coarse / (scales.coarse**2 * coordinates.coarse_count)
    whole = near + residual / (scales.residual**2 * coordinates.residual_count)
    alike = np.exp(-scales.category * other) if coordinates.categories.any() else 1.0
    one, all_of = scales.explains_coarse * alike, scales.explains_all * alike
    (coarsely, coarse_slope), (wholly, all_slope) = _matern_and_slope(near), _matern_and_slope(whole)
    return Parts(one * coarsely, all_of * wholly, one * coarse_slope, all_of * all_slope), near, whole


def _matern(squared: Array) -> Array:
    """Matérn 5/2 of squared distances; in place where it can be, for there are many."""
    far = np.sqrt(squared)
    far *= _ROOT_5
    value: Array = far * far
    value /= 3.0
    value += far
    value += 1.0
    value *= np.exp(np.negative(far, out=far), out=far)
    return value


def _matern_and_slope(squared: Array) -> tuple[Array, Array]:
    """The same, and its derivative by half the squared distance."""
    far = _ROOT_5 * np.sqrt(squared)
    decay = np.exp(-far)
    slope = (1 + far) * decay
    return slope + far**2 / 3 * decay, -5.0 / 3.0 * slope
