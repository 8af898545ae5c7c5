"""Optuna's multivariate TPE over arrays: the numbers that its sampler draws, bit by bit, in less time.

Optuna builds a dictionary per trial and asks each for each parameter, anew for every proposal. Here a trial
is a row of an array. The steps, and within them the order of every rounding, are those of `TPESampler` of
Optuna 5 with its defaults and one objective to maximize; tests compare the two.

Source: Bergstra et al., Making a Science of Model Search (ICML 2013); Falkner et al., BOHB (ICML 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search.proposals.normal import log_mass, truncated

Array = NDArray[np.float64]

CANDIDATES = 24
"""Drawn from the good trials' density; the one that is likeliest to be good is proposed."""
_MOST_GOOD = 25
_FLAT = 25
"""The newest trials that weigh alike; older ones weigh the less the older they are."""


def good_and_bad(scores: Array) -> tuple[Array, Array]:
    """Indices of the best tenth, 25 at most, and of the others, each in order; of equals the earlier."""
    count = min(math.ceil(0.1 * len(scores)), _MOST_GOOD)
    order = np.argsort(-scores, kind="stable")
    return np.sort(order[:count]), np.sort(order[count:])


def propose(
    good: Array, bad: Array, distributions: Sequence[BaseDistribution], rng: np.random.RandomState
) -> Array:
    """The candidate whose density among the good trials most exceeds that among the bad ones.

    `good` and `bad` are [trials, parameters], in the order of the trials, of categories their index. So is
    what is returned, [parameters].
    """
    better, worse = Mixture.of(good, distributions), Mixture.of(bad, distributions)
    candidates = better.sample(rng)
    gain = better.log_density(candidates) - worse.log_density(candidates)
    chosen: Array = candidates[np.argmax(gain)]
    return chosen


@dataclass(frozen=True)
class Mixture:
    """A density with a kernel around each trial, and one over the whole space: [kernels] of them."""

    weights: Array
    means: Array
    """[kernels, numbers], as `spreads`."""
    spreads: Array
    low: Array
    """[numbers], as `high`: the ranges."""
    high: Array
    numbers: NDArray[np.int64]
    """Which parameters are numbers."""
    categories: dict[int, Array]
    """The other ones, each with its probabilities: [kernels, choices]."""

    @classmethod
    def of(cls, trials: Array, distributions: Sequence[BaseDistribution]) -> Mixture:
        """The density around these trials, [trials, parameters]."""
        weights = np.append(_weights(len(trials)), [1.0])
        ranges = [d for d in distributions if isinstance(d, FloatDistribution)]
        low, high = np.array([d.low for d in ranges]), np.array([d.high for d in ranges])
        numbers = [i for i, d in enumerate(distributions) if isinstance(d, FloatDistribution)]
        means = trials[:, numbers]
        categories = {
            i: _probabilities(trials[:, i].astype(int), len(d.choices))
            for i, d in enumerate(distributions)
            if isinstance(d, CategoricalDistribution)
        }
        return cls(
            weights=weights / weights.sum(),
            means=np.vstack([means, 0.5 * (low + high)]),
            spreads=np.vstack([_spreads(means, low, high), high - low]),
            low=low,
            high=high,
            numbers=np.array(numbers, dtype=np.int64),
            categories=categories,
        )

    def sample(self, rng: np.random.RandomState) -> Array:
        """Candidates, [candidates, parameters]: which kernel, then the categories, then the numbers."""
        drawn = np.empty((CANDIDATES, len(self.numbers) + len(self.categories)))
        kernels = rng.choice(len(self.weights), p=self.weights, size=CANDIDATES)
        for i, probabilities in self.categories.items():
            reached = np.cumsum(probabilities[kernels], axis=-1)
            reached[:, -1] = 1  # as the last one is but for rounding
            drawn[:, i] = np.sum(reached < rng.rand(CANDIDATES)[:, None], axis=-1)
        if len(self.numbers):
            means, spreads = self.means[kernels].T, self.spreads[kernels].T
            a, b = (self.low[:, None] - means) / spreads, (self.high[:, None] - means) / spreads
            uniform = rng.uniform(low=0, high=1, size=means.shape)
            drawn[:, self.numbers] = (truncated(uniform, a, b) * spreads + means).T
        return drawn

    def log_density(self, candidates: Array) -> Array:
        """Of each candidate the logarithm of its density, [candidates]."""
        parts = np.zeros((len(candidates), len(self.weights)))
        for i, probabilities in self.categories.items():
            parts += np.log(probabilities[:, candidates[:, i].astype(np.int64)].T)
        if len(self.numbers):
            parts += self._of_numbers(candidates[:, self.numbers])
        parts += np.log(self.weights)
        most = parts.max(axis=1)
        most[np.isneginf(most)] = 0
        with np.errstate(divide="ignore"):
            total: Array = np.log(np.exp(parts - most[:, None]).sum(axis=1)) + most
        return total

    def _of_numbers(self, values: Array) -> Array:
        """Each kernel's share of it, [candidates, kernels]; a candidate at a time, which the caches hold."""
        a, b = (self.low - self.means) / self.spreads, (self.high - self.means) / self.spreads
        mass, scale = log_mass(a, b), np.log(self.spreads)
        outside = (values < self.low) | (values > self.high)
        part, sums = np.empty_like(self.means), np.empty((len(values), len(self.means)))
        for row, value in enumerate(values):
            np.subtract(value, self.means, out=part)
            part /= self.spreads
            beyond = (part < a) | (part > b) if outside[row].any() else None
            np.multiply(part, part, out=part)
            part *= -0.5
            part -= _LOG_ROOT_TAU
            part -= mass
            part -= scale
            if beyond is not None:
                part[beyond] = -np.inf
            part.sum(axis=-1, out=sums[row])
        return sums


_LOG_ROOT_TAU = math.log(math.sqrt(2 * math.pi))


def _weights(count: int) -> Array:
    if count < _FLAT:
        return np.ones(count)
    return np.concatenate([np.linspace(1.0 / count, 1.0, num=count - _FLAT), np.ones(_FLAT)])


def _probabilities(chosen: NDArray[np.int64], choices: int) -> Array:
    kernels = len(chosen) + 1
    rows = np.full((kernels, choices), 1.0 / kernels)
    rows[np.arange(len(chosen)), chosen] += 1
    shares: Array = rows / rows.sum(axis=1, keepdims=True)
    return shares


def _spreads(means: Array, low: Array, high: Array) -> Array:
    """Of each kernel the way to the farther of its neighbours, within limits: [trials, numbers]."""
    columns = np.ascontiguousarray(means.T)
    places = np.argsort(columns, axis=1) + len(means) * np.arange(len(columns))[:, None]
    among = np.empty((len(columns), len(means) + 2))
    among[:, 0], among[:, -1] = low, high
    among[:, 1:-1] = columns.take(places)
    steps = np.diff(among, axis=1)
    reach = np.maximum(steps[:, :-1], steps[:, 1:])
    if len(means) >= 2:  # the ends of a range are no neighbours
        reach[:, 0], reach[:, -1] = steps[:, 1], steps[:, -2]
    spreads = np.empty_like(reach)
    spreads.put(places, reach)
    least = (high - low) / min(100.0, 2.0 + len(means))
    limited: Array = np.clip(spreads, least[:, None], (high - low)[:, None]).T
    return limited
