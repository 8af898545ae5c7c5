"""Where a search begins: every expert weighed alike, from a timid merge to a bold one.

A sampler that starts blind in dozens of dimensions spends its first trials on lopsided merges. Equal
weights are what a person would try first, and whatever they are worth, the sampler then knows.
"""

from __future__ import annotations

from typing import Any

from merging.methods import METHODS
from search.space import SearchSpace

WEIGHTS = (0.1, 0.3, 0.5)
"""How far along the range of weights."""


def starting_points(space: SearchSpace) -> list[dict[str, Any]]:
    """Parameters of the first trials, three a method; [] where there is nothing to choose."""
    low, high = space.spec.weight
    points = [
        space.shared(method, low + share * (high - low), sum(space.spec.density) / 2)
        for method in space.spec.methods
        for share in (WEIGHTS if METHODS[method].on_task_vectors else WEIGHTS[-1:])
    ]
    return [point for i, point in enumerate(points) if point and point not in points[:i]]
