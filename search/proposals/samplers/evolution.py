"""CMA-ES without a memory of its own: the strategy is played again over the trials that have a score.

Optuna keeps the strategy with each trial, pickled. Here nothing is kept. The trials in the order of their
numbers are cut into generations, and told one after the other; the next proposal is drawn from what that
makes of the strategy, with a seed of its own. So a trial is never in vain: whichever strategy it was drawn
from, it is told in the generation in which its number falls.

At first the numbers of one parameter at all sites move together, as one coarse coordinate; the scores then
say which of them should not.

Source: Hansen, The CMA Evolution Strategy: A Tutorial (2016), as the package `cmaes` has it; restarts with
twice the population: Auger and Hansen, IPOP-CMA-ES (CEC 2005); choices by their odds: after Hamano et al.,
CatCMA (GECCO 2024).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cmaes import CMA, SepCMA

from search.proposals.samplers.coordinates import Array, Coordinates

GENERATIONS = 12
"""As many are wanted within the budget: so few trials make a smaller population than is usual."""
FEWEST = 6
SEPARABLE = 400
"""From so many numbers on, only their variances are learned: their covariances take too long."""
TOGETHER = 0.9
"""How closely the sites' numbers are correlated at first."""
_STEP = 0.25
"""The first standard deviation, as a share of each range."""
_SPENT = 0.005
"""A generation that spreads less is the last one before a restart."""
_LEARNING = 0.3
_LEAST = 0.05


@dataclass(frozen=True)
class Known:
    """The trials that have a score, by number: [trials, parameters] in the unit cube, and their scores."""

    points: Array
    scores: Array
    given: Sequence[bool]
    """Which of them are starting points."""


@dataclass(frozen=True)
class State:
    """The strategy between two generations."""

    strategy: CMA | SepCMA | None
    """None where there is no number to search, or one."""
    odds: tuple[Array, ...]
    """Of each category how likely its choices are."""
    restarts: int = 0


Played = list[tuple[bytes, State]]
"""Generations that were played in this process already, and what came of them: they are not played again."""


def population(numbers: int, trials: int) -> int:
    """How many trials make a generation, for so many numbers and trials in all."""
    usual = 4 + math.floor(3 * math.log(max(1, numbers)))
    return min(usual, max(FEWEST, trials // GENERATIONS))


def propose(place: Coordinates, known: Known, trials: int, seed: int, memory: Played) -> Array:
    """A point of the unit cube, of categories their index: [parameters]."""
    state = replay(place, known, trials, memory)
    random, point = np.random.RandomState(seed), np.zeros(len(place.group))
    if state.strategy is not None:
        strategy = copy.deepcopy(state.strategy)
        strategy.reseed_rng(seed)
        point[place.numbers] = _reflected(strategy.ask())
    else:
        point[place.numbers] = random.rand(len(place.numbers))
    for i, odds in zip(np.flatnonzero(place.categories), state.odds, strict=True):
        point[i] = random.choice(len(odds), p=odds)
    return point


def replay(place: Coordinates, known: Known, trials: int, memory: Played) -> State:
    """The strategy after all whole generations of the trials."""
    given = np.array(known.given, dtype=bool)
    starts = known.points[given][np.argsort(-known.scores[given], kind="stable")]
    points, scores, size = known.points[~given], known.scores[~given], population(len(place.numbers), trials)
    state, at, count = _begin(place, starts, 0, size), 0, 0
    while at + size <= len(points):
        part = slice(at, at + size)
        key = starts.tobytes() + points[part].tobytes() + scores[part].tobytes()
        state = _next(place, memory, count, key, state, (points[part], scores[part], starts))
        at, count = at + size, count + 1
        size = state.strategy.population_size if state.strategy is not None else size
    return state


def _next(
    place: Coordinates, memory: Played, count: int, key: bytes, state: State, told: tuple[Array, Array, Array]
) -> State:
    if count < len(memory) and memory[count][0] == key:
        return memory[count][1]
    del memory[count:]
    found = _told(place, state, *told)
    memory.append((key, found))
    return found


def _told(place: Coordinates, state: State, points: Array, scores: Array, starts: Array) -> State:
    order = np.argsort(-scores, kind="stable")
    odds = tuple(
        _learned(odds, points[order, i])
        for i, odds in zip(np.flatnonzero(place.categories), state.odds, strict=True)
    )
    if state.strategy is None:
        return State(None, odds)
    numbers = points[:, place.numbers]
    if numbers.std(axis=0).max() < _SPENT:
        size, restarts = 2 * len(points), state.restarts + 1
        return State(_begin(place, starts, restarts, size).strategy, odds, restarts)
    strategy = copy.deepcopy(state.strategy)
    ranks = np.argsort(order, kind="stable").astype(float).tolist()
    strategy.tell(list(zip(numbers, ranks, strict=True)))
    strategy.ask()  # its decomposition is made once, for all who draw from it
    return State(strategy, odds, state.restarts)


def _begin(place: Coordinates, starts: Array, restarts: int, size: int) -> State:
    """Begin at the best starting point; a restart at the next best, then in the middle."""
    choices = place.choices[place.categories]
    odds = tuple(np.full(count, 1.0 / count) for count in choices)
    if len(place.numbers) < 2:
        return State(None, odds, restarts)
    middle = np.full(len(place.numbers), 0.5)
    mean = starts[restarts][place.numbers] if restarts < len(starts) else middle
    if len(place.numbers) >= SEPARABLE:
        return State(SepCMA(mean=mean.copy(), sigma=_STEP, population_size=size, seed=0), odds, restarts)
    of = place.group[place.numbers]
    alike = (1 - TOGETHER) * np.eye(len(of)) + TOGETHER * (of[:, None] == of[None, :])
    return State(CMA(mean=mean.copy(), sigma=_STEP, population_size=size, seed=0, cov=alike), odds, restarts)


def _learned(odds: Array, ranked: Array) -> Array:
    """The odds, moved toward the choices of the better half of a generation, best first."""
    half = ranked[: len(ranked) // 2].astype(int)
    weights = np.log(len(half) + 1) - np.log(np.arange(len(half)) + 1)
    share = np.bincount(half, weights / weights.sum(), minlength=len(odds))
    moved: Array = np.maximum((1 - _LEARNING) * odds + _LEARNING * share, _LEAST / len(odds))
    likely: Array = moved / moved.sum()
    return likely


def _reflected(point: Array) -> Array:
    """The point with what lies beyond an edge of the cube folded back."""
    folded = np.mod(point, 2.0)
    return np.where(folded > 1.0, 2.0 - folded, folded)
