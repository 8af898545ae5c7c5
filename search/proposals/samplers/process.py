"""A Gaussian process's proposal for one trial, from all that is known of the others."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from search.proposals.samplers.coordinates import Array, Coordinates
from search.proposals.samplers.gaussian import Scales, condition, fit
from search.proposals.samplers.seeking import seek

FEWEST = 4
"""With fewer trials there is nothing to model."""
NEWEST, BEST = 224, 128
"""So many trials are looked at: the newest ones, and of the older ones the best."""
_EACH = 40
"""Up to so many trials the scales are fitted anew with each; later whenever a sixteenth has been added."""


class Fitted:
    """The scales that were fitted last, so that they are not fitted again to the same trials."""

    def __init__(self) -> None:
        self._key = b""
        self._scales: Scales | None = None

    def __call__(self, place: Coordinates, points: Array, scores: Array) -> Scales:
        """The scales for the trials so far, of which the newest may be left out."""
        count = _due(len(points))
        points, scores = points[:count], scores[:count]
        key = hashlib.sha256(points.tobytes() + scores.tobytes()).digest()
        if self._scales is None or key != self._key:
            self._key, self._scales = key, fit(place, points, scores)
        return self._scales


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
    scales = fitted(place, points, scores)
    some = _weighty(scores)
    points, scores = points[some], scores[some]
    return seek(condition(place, scales, points, scores, pending), random)


def _weighty(scores: Array) -> NDArray[np.int64]:
    """Of more trials than a proposal has time for, the best and the newest ones, in their order."""
    if len(scores) <= NEWEST + BEST:
        return np.arange(len(scores))
    older = np.argsort(-scores[:-NEWEST], kind="stable")[:BEST]
    return np.append(np.sort(older), np.arange(len(scores) - NEWEST, len(scores)))


def _due(count: int) -> int:
    return count if count <= _EACH else count - count % max(2, count // 16)
