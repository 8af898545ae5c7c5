"""Where a search begins: every expert weighed alike, at a few densities.

A sampler that starts blind in dozens of dimensions spends its first trials on lopsided merges. Equal
weights are what a person would try first, and whatever they are worth, the sampler then knows.
"""

from __future__ import annotations

from typing import Any

from merging.methods import METHODS
from search.space import SearchSpace

DENSITIES = (0.2, 0.5, 1.0)


def starting_points(space: SearchSpace) -> list[dict[str, Any]]:
    """Parameters of the first trials, at most three a method; [] where there is nothing to choose."""
    points: list[dict[str, Any]] = []
    for method in space.spec.methods:
        densities = DENSITIES if "density" in METHODS[method].parameters else (1.0,)
        middle = sum(space.spec.weight) / 2
        points += [space.shared(method, middle, density) for density in densities]
    return [point for i, point in enumerate(points) if point and point not in points[:i]]
