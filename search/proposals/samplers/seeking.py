"""The point of a space that a Gaussian process would try next.

It is where the expected improvement over what is best now is largest: over the best *expected* score of a
trial, for luck had a hand in the best score. Many points are looked at, around the best trials and all over
the coarse coordinates; the most promising climb along the slope of the expected improvement.

Source: Jones et al., Efficient Global Optimization (1998); Ament et al., Unexpected Improvements to Expected
Improvement (NeurIPS 2023), whose logarithm is what is climbed.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

from search.proposals.samplers.coordinates import Array, Coordinates
from search.proposals.samplers.gaussian import Process

_ABROAD, _NEAR = 96, 160
"""How many points are looked at: spread over the coarse coordinates, and around the best trials."""
_BEST = 4
"""How many trials count as the best."""
_CLIMBERS, _STEPS = 5, 10
_FAR = -25.0
_LOG_ROOT_TAU = 0.5 * math.log(2 * math.pi)


def seek(process: Process, random: np.random.RandomState) -> Array:
    """A point of the unit cube, [parameters]; of categories their index."""
    order = np.argsort(-process.expected, kind="stable")
    goal = float(process.expected[order[0]])
    best = process.points[order[:_BEST]]
    candidates = np.vstack(
        [_abroad(process.coordinates, best, random), _around(process.coordinates, best, random)]
    )
    worth = log_improvement(*process.predict(candidates), goal)
    climbers = candidates[np.argsort(-worth, kind="stable")[:_CLIMBERS]]
    climbed, height = _climb(process, climbers, goal)
    chosen: Array = climbed[np.argmax(height)]
    return chosen


def log_improvement(expected: Array, deviation: Array, goal: float) -> Array:
    """The logarithm of the expected improvement over the goal, but for a constant."""
    z = (expected - goal) / deviation
    below, above = np.clip(z, -1e8, 0.0), np.clip(z, 0.0, 1e8)
    density = -0.5 * below**2 - _LOG_ROOT_TAU
    # phi(z) + z Phi(z) over phi(z), which far below the goal is 1 / z^2
    share = 1 + below * np.exp(np.where(below > _FAR, log_ndtr(below) - density, 0.0))
    faint = np.where(below > _FAR, np.log(np.maximum(share, 1e-12)), -2 * np.log(np.maximum(-below, 1.0)))
    certain = np.log(np.exp(-0.5 * above**2 - _LOG_ROOT_TAU) + above * np.exp(log_ndtr(above)))
    value: Array = np.log(deviation) + np.where(z <= 0, density + faint, certain)
    return value


def _abroad(place: Coordinates, best: Array, random: np.random.RandomState) -> Array:
    """Anywhere in the coarse coordinates, with the residuals of the best or none."""
    coarse = random.rand(_ABROAD, place.coarse_count)
    keep = (np.arange(_ABROAD) % 2)[:, None]
    points = coarse[:, place.group] + keep * place.residual(best[:1])
    return _with_choices(place, np.clip(points, 0, 1), random)


def _around(place: Coordinates, best: Array, random: np.random.RandomState) -> Array:
    """Near the best: all coarse coordinates moved, some of them, or single numbers."""
    of = best[np.arange(_NEAR) % len(best)]
    far = 0.3 * random.rand(_NEAR, 1) ** 2
    coarse = random.randn(_NEAR, place.coarse_count) * (random.rand(_NEAR, place.coarse_count) < 0.5)
    some = random.rand(_NEAR, of.shape[1]) < random.rand(_NEAR, 1) ** 2
    single = random.randn(*of.shape) * some
    kind = (np.arange(_NEAR) // len(best) % 3)[:, None]
    moved = of + far * np.where(
        kind == 0, coarse[:, place.group], np.where(kind == 1, single, coarse[:, place.group] + single)
    )
    moved = np.where(place.categories, of, np.clip(moved, 0, 1))
    return _with_choices(place, moved, random, share=0.2)


def _with_choices(
    place: Coordinates, points: Array, random: np.random.RandomState, share: float = 1.0
) -> Array:
    """The points, of which this share gets other choices."""
    for i in np.flatnonzero(place.categories):
        drawn = random.randint(place.choices[i], size=len(points))
        points[:, i] = np.where(random.rand(len(points)) < share, drawn, points[:, i])
    return points


def _climb(process: Process, points: Array, goal: float) -> tuple[Array, Array]:
    """Where the slope leads from each point, and what that is worth.

    Steps are as long as they help, half as long where they do not.
    """
    place = process.coordinates
    here, known = points.copy(), process.slopes(points)
    worth = log_improvement(*known[:2], goal)
    reach = np.full((len(points), 1), 0.1)
    for _ in range(_STEPS):
        slope = _uphill(place, here, known, goal)
        tried = np.where(place.categories, here, np.clip(here + reach * slope, 0, 1))
        there = process.slopes(tried)
        found = log_improvement(*there[:2], goal)
        better = found > worth
        here[better], worth[better] = tried[better], found[better]
        for old, new in zip(known, there, strict=True):
            old[better] = new[better]
        reach[better] *= 1.5
        reach[~better] *= 0.4
    return here, worth


def _uphill(place: Coordinates, here: Array, known: tuple[Array, Array, Array, Array], goal: float) -> Array:
    """The slope of the logarithm of the expected improvement within the cube; its largest number is 1."""
    expected, deviation, rising, widening = known
    z = np.clip(((expected - goal) / deviation)[:, None], _FAR, -_FAR)
    # but for a positive factor: Phi(z) of the mean's and phi(z) of the deviation's
    slope: Array = np.exp(log_ndtr(z) + 0.5 * z**2 + _LOG_ROOT_TAU) * rising + widening
    slope[:, place.categories] = 0
    slope[((here <= 0) & (slope < 0)) | ((here >= 1) & (slope > 0))] = 0
    slope /= np.maximum(np.abs(slope).max(axis=1, keepdims=True), 1e-12)
    return slope
