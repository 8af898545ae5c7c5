"""A task vector whose distribution is known, and what is told about it after it was thinned out at random."""

from __future__ import annotations

import torch
from torch import Tensor

SIDE = 1024
DTYPES = ("float32", "bfloat16")
DENSITIES = (0.2, 0.5, 0.9)
SPREAD = {0.2: 0.15, 0.5: 0.15, 0.9: 0.08}
"""DELLA's epsilon for each density: mergekit wants probabilities between 0 and 1."""


def sample(dtype: torch.dtype) -> Tensor:
    """A million quantiles of a normal distribution, each once, scattered over rows; shape [1024, 1024]."""
    n = SIDE * SIDE
    place = (torch.arange(n) * 659_969) % n  # odd, so every place is visited
    quantiles = (place.double() + 0.5) / n
    values: Tensor = torch.special.ndtri(quantiles) * 0.01
    return values.to(dtype).view(SIDE, SIDE)


def summary(thinned: Tensor) -> dict[str, float]:
    """Share of elements kept, and mean, variance and fourth central moment of those."""
    kept = thinned[thinned != 0].double()
    centred = kept - kept.mean()
    return {
        "share": kept.numel() / thinned.numel(),
        "mean": kept.mean().item(),
        "variance": centred.square().mean().item(),
        "fourth": centred.pow(4).mean().item(),
    }
