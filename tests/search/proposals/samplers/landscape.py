"""A made-up study: three experts at nine sites, whose numbers matter most together; 192 items of 0 or 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution

from search.proposals.samplers.coordinates import Array, Coordinates

SITES = [f"layer{i}.{module}" for i in range(4) for module in ("self_attn", "mlp")] + ["outer"]
KINDS = ("density", "weight")
SPACE: dict[str, BaseDistribution] = {
    name: FloatDistribution(0.0, 1.0)
    for name in sorted(
        f"{kind}.{site}.{e}" for kind in ("weight", "density") for site in SITES for e in "abc"
    )
}
PLACE = Coordinates.of(SPACE)
BEST = 0.6
"""Where the coarse coordinates should be."""

Scored = Callable[[Array], float]


def starting_points() -> Array:
    """Every expert timid, and each in the lead: [4, parameters]."""
    weights = [[0.5 if name.endswith(lead) else 0.1 for name in SPACE] for lead in ("?", "a", "b", "c")]
    density = [name.startswith("density") for name in SPACE]
    return np.where(density, 0.55, np.array(weights))


def truth(point: Array) -> float:
    """The share of all items that a point would have right, noise apart."""
    coarse, residual = PLACE.coarse(point[None])[0], PLACE.residual(point[None])[0]
    quality = 2.5 - 14 * np.mean((coarse - BEST) ** 2) - 4 * np.mean(residual**2)
    return float(1 / (1 + np.exp(-quality)))


def noisy(seed: int) -> Scored:
    """The score on 192 items, whose luck is another one at each point."""

    def score(point: Array) -> float:
        own = np.frombuffer(point.tobytes(), np.uint32).sum(dtype=np.uint64)
        random = np.random.RandomState((int(own) + seed) % 2**32)
        return float(random.binomial(192, truth(point)) / 192)

    return score
