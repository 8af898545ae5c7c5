"""How good a made candidate is: a smooth function of its numbers, with an optimum for each slice.

A search is played by points that wander from the middle of the space towards what is best for all slices
together, ever closer around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_BEST = 1.0
"""The skill at a slice's own optimum, in logits above an item of middling difficulty."""
_FALL = 3.0
"""What is lost of it where every number is as far off as it can be."""
_SPREAD = 1.3
"""Of the items' difficulties."""


@dataclass(frozen=True)
class Landscape:
    """What numbers in [0, 1], one per parameter, are worth on each slice."""

    parameters: tuple[str, ...]
    slices: tuple[str, ...]
    seed: int = 0

    @cached_property
    def optima(self) -> Array:
        """(slices, parameters): where each slice is answered best, a compromise with what all share."""
        random = np.random.default_rng((self.seed, 1))
        shared = random.uniform(0.15, 0.85, len(self.parameters))
        own = random.uniform(0.0, 1.0, (len(self.slices), len(self.parameters)))
        return 0.7 * shared + 0.3 * own

    @cached_property
    def importance(self) -> Array:
        """(slices, parameters), each row adding up to 1: a few sites in the middle count most."""
        random = np.random.default_rng((self.seed, 2))
        place = np.linspace(-1, 1, len(self.parameters))
        mlp = np.array([1.5 if ".mlp." in name else 0.7 for name in self.parameters])
        weights = (
            random.gamma(0.6, size=(len(self.slices), len(self.parameters))) * mlp * np.exp(-3 * place**2)
        )
        found: Array = weights / weights.sum(axis=1, keepdims=True)
        return found

    def skills(self, points: Array) -> Array:
        """(candidates, slices) of points, which are (candidates, parameters)."""
        off = np.abs(points[:, None, :] - self.optima[None])
        found: Array = _BEST - _FALL * (self.importance * off).sum(axis=2)
        return found

    def wander(self, trials: int) -> Array:
        """(trials, parameters): a search's points in their order."""
        random = np.random.default_rng((self.seed, 3))
        progress = 1 - np.exp(-3 * np.linspace(0, 1, trials))[:, None]
        centre = 0.5 + progress * (self.optima.mean(axis=0) - 0.5)
        points = centre + random.normal(size=(trials, len(self.parameters))) * (0.28 - 0.2 * progress)
        found: Array = np.clip(points, 0.0, 1.0)
        return found

    def difficulties(self, items: int, split: int) -> Array:
        """(slices, items), in logits."""
        random = np.random.default_rng((self.seed, 4, split))
        return random.normal(0.3, _SPREAD, (len(self.slices), items))


def answered(skill: float, difficulties: Array, seed: Sequence[int]) -> NDArray[np.bool_]:
    """Which items somebody of that skill answers rightly."""
    chance = 1 / (1 + np.exp(2 * (difficulties - skill)))
    found: NDArray[np.bool_] = np.random.default_rng(seed).random(len(chance)) < chance
    return found
