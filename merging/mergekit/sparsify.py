"""mergekit 0.1.5's ways to thin out a task vector, in the dtype that its arithmetic runs in.

Where mergekit leaves a choice to a sort, ours is fixed: magnitudes that tie at a cut are all kept, so no
order enters, and DELLA ranks ties by their place. Where mergekit draws from torch's generator, ours draws
from a key.
"""

from __future__ import annotations

import torch
from torch import Tensor

from merging.errors import RecipeError
from merging.mergekit.sums import total
from merging.methods.masks import ONE, keep_mask, uniform24

_LEAST_NORM = 1e-7


def keep_largest(delta: Tensor, density: float, rescale: bool) -> Tensor:
    """Keep the `int(density * n)` largest magnitudes, at least one, and all that tie with the last."""
    if density >= 1:
        return delta
    count = max(1, int(density * delta.numel()))
    magnitude = delta.abs()
    return _masked(delta, magnitude >= nth_smallest(magnitude, delta.numel() - count), rescale)


def keep_band(delta: Tensor, density: float, gamma: float, rescale: bool) -> Tensor:
    """Drop the `int(gamma * n)` largest magnitudes, then the smallest, until `int(density * n)` are left.

    Fewer of the largest go where the density leaves no room. Everything whose magnitude is that of the
    smallest or the largest one left, or between them, is kept.
    """
    if density >= 1:
        return delta
    n, count = delta.numel(), int(density * delta.numel())
    if count == 0:
        return _masked(delta, torch.zeros_like(delta, dtype=torch.bool), rescale)
    first = max(0, n - count - int(gamma * n))
    magnitude = delta.abs()
    low, high = nth_smallest(magnitude, first), nth_smallest(magnitude, first + count - 1)
    return _masked(delta, (magnitude >= low) & (magnitude <= high), rescale)


def drop(delta: Tensor, density: float, rescale: bool, key: int) -> Tensor:
    """DARE: keep each element with probability `density`, as far as the dtype can tell it."""
    if density >= 1:
        return delta
    work = delta.to(_work_dtype(delta))
    rounded = torch.tensor(density, dtype=work.dtype).item()
    kept = keep_mask(key, delta.numel(), rounded, delta.device).view_as(delta)
    return _masked(work, kept, rescale).to(delta.dtype)


def drop_by_rank(delta: Tensor, density: float, epsilon: float, rescale: bool, key: int) -> Tensor:
    """DELLA: keep elements with a probability that rises along a row's ranks, `epsilon` around `density`.

    A vector is one row. Raises RecipeError where a probability would not lie between 0 and 1.
    """
    if density >= 1:
        return delta
    if density + epsilon >= 1 or density - epsilon <= 0:
        raise RecipeError(
            f"epsilon: {epsilon} around density {density} leaves (0, 1); give a smaller epsilon, or density 1"
        )
    work = delta.to(_work_dtype(delta))
    chance = keep_chances(work, density, epsilon).flatten()
    kept = uniform24(key, delta.numel(), delta.device) < (chance.double() * ONE).round()
    return _masked(work, kept.view_as(delta), rescale).to(delta.dtype)


def keep_chances(delta: Tensor, density: float, epsilon: float) -> Tensor:
    """Probability that DELLA keeps each element; rounded as mergekit does, so bfloat16 tells 256 ranks apart.

    A row of one element, which mergekit divides by zero, has the probability `density`.
    """
    rows = delta.abs().reshape(1, -1) if delta.dim() < 2 else delta.abs()
    order = torch.argsort(rows, dim=1, stable=True)
    rank = torch.argsort(order, dim=1).to(delta.dtype) + 1
    least, most = rank.amin(dim=1, keepdim=True), rank.amax(dim=1, keepdim=True)
    place = ((rank - least) / (most - least)).clamp(0, 1).nan_to_num(0.5)
    return ((density - epsilon) + place * 2 * epsilon).view_as(delta)


def nth_smallest(values: Tensor, n: int) -> Tensor:
    """The value with `n` values before it in ascending order; shape []."""
    return values.flatten().kthvalue(n + 1).values


def _masked(delta: Tensor, kept: Tensor, rescale: bool) -> Tensor:
    """What is kept, scaled to the L1 norm of before; unscaled where either norm is next to nothing."""
    masked = delta * kept
    if not rescale:
        return masked
    before, after = total(delta.abs()), total(masked.abs())
    if before < _LEAST_NORM or after < _LEAST_NORM:
        return masked
    return masked * (before / after)


def _work_dtype(delta: Tensor) -> torch.dtype:
    """Random masks are applied in float32, but for bfloat16, as mergekit does on CPUs."""
    return delta.dtype if delta.dtype == torch.bfloat16 else torch.float32
