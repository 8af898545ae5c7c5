"""A Gaussian process's proposal for one trial, from all that is known of the others."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from search.proposals.samplers.coordinates import Array, Coordinates
from search.proposals.samplers.gaussian import Ground, condition, fit, ground
from search.proposals.samplers.seeking import seek

FEWEST = 4
"""With fewer trials there is nothing to model."""
NEWEST, BEST = 896, 128
"""So many trials are looked at, the newest ones, and of the older ones the best: all that `auto` is for."""
_EACH = 40
"""Up to so many trials the scales are fitted anew with each; later whenever a sixteenth has been added."""


class Fitted:
    """The scales that were fitted last and the trials factored by them, so that neither is done again."""

    def __init__(self) -> None:
        self._key = b""
        self._ground: Ground | None = None

    def __call__(self, place: Coordinates, points: Array, scores: Array) -> tuple[Ground, NDArray[np.int64]]:
        """The trials that are looked at, factored, and which of all they are.

        What is computed depends on the trials alone: the scales, and the first part of the factor, on those
        that were there when scales were due, the rest is added to them.
        """
        count = _due(len(points))
        base = _weighty(scores[:count])
        key = hashlib.sha256(points[:count].tobytes() + scores[:count].tobytes()).digest()
        if self._ground is None or key != self._key:
            scales = fit(place, points[:count], scores[:count])
            self._key, self._ground = key, ground(place, scales, points[base])
        return self._ground + points[count:], np.append(base, np.arange(count, len(points)))


def propose(
    place: Coordinates, points: Array, scores: Array, pending: Array, seed: int, fitted: Fitted
) -> Array:
    """A point of the unit cube, of categories their index: [parameters].

    `points` and `pending` are [trials, parameters] in it, by number.
    """
    random = np.random.RandomState(seed)
    if len(points) < FEWEST:
        drawn = random.rand(len(place.group))
        return np.where(place.categories, np.floor(drawn * np.maximum(place.choices, 1)), drawn)
    known, some = fitted(place, points, scores)
    return seek(condition(known, scores[some], pending), random)


def _weighty(scores: Array) -> NDArray[np.int64]:
    """Of more trials than a proposal has time for, the best and the newest ones, in their order."""
    if len(scores) <= NEWEST + BEST:
        return np.arange(len(scores))
    older = np.argsort(-scores[:-NEWEST], kind="stable")[:BEST]
    return np.append(np.sort(older), np.arange(len(scores) - NEWEST, len(scores)))


def _due(count: int) -> int:
    return count if count <= _EACH else count - count % max(2, count // 16)
