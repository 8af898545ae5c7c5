"""The arithmetic of merging, one tensor at a time: pure functions, float32 in and float32 out.

Operations follow mergekit 0.1.5 in order and precision, so results equal its own bit for bit wherever nothing
is random or tied. Experts are added one after another rather than by a reduction, whose order would depend on
shapes and threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from merging.masks import keep_mask
from merging.methods import Method
from merging.rules import Parameters

_BLOCK = 1 << 14  # below the size from which torch splits a sum between threads


def merge_tensor(
    method: Method, base: Tensor, experts: Sequence[Tensor], parameters: Parameters, keys: Sequence[int]
) -> Tensor:
    """Merge one tensor; all of one shape, `keys` seed the random masks, one per expert.

    Experts of weight 0 are left out, so that the base alone, or an expert alone, keeps every bit.
    """
    active = [i for i, weight in enumerate(parameters.weight) if weight != 0]
    weights = [parameters.weight[i] for i in active]
    if not method.on_task_vectors:
        return average([experts[i] for i in active], weights, parameters.normalize)
    if not active:
        return base
    vectors = [
        sparsify(method, experts[i] - base, parameters.density[i], parameters.rescale, keys[i])
        for i in active
    ]
    mixed = combine(vectors, weights, method.consensus, parameters.normalize)
    return base + (mixed if parameters.lambda_ == 1 else mixed * parameters.lambda_)


def average(tensors: Sequence[Tensor], weights: Sequence[float], normalize: bool) -> Tensor:
    """Weighted sum of tensors, divided by the sum of weights if `normalize` (arXiv 2203.05482)."""
    weight = torch.tensor(weights, dtype=torch.float32, device=tensors[0].device)
    total = tensors[0] * weight[0]
    for tensor, factor in zip(tensors[1:], weight[1:], strict=True):
        total.addcmul_(tensor, factor)
    return total / weight.sum() if normalize else total


def combine(vectors: Sequence[Tensor], weights: Sequence[float], consensus: bool, normalize: bool) -> Tensor:
    """Weighted sum of task vectors; with `consensus` only of those that agree with the elected sign.

    `normalize` divides by the weights that took part, where they are not 0: under consensus per element (the
    disjoint mean of TIES, arXiv 2306.01708), else by the sum of all.
    """
    weight = torch.tensor(weights, dtype=torch.float32, device=vectors[0].device)
    scaled = [vector * factor for vector, factor in zip(vectors, weight, strict=True)]
    if not consensus:
        total, divisor = _add(scaled), weight.sum()
        return total / divisor if normalize and abs(divisor.item()) >= 1e-8 else total
    masks = elect(scaled)
    total = _add([vector * mask for vector, mask in zip(scaled, masks, strict=True)])
    if not normalize:
        return total
    divisor = _add([mask * factor for mask, factor in zip(masks, weight, strict=True)])
    return total / torch.where(divisor == 0, 1.0, divisor)


def elect(scaled: Sequence[Tensor]) -> list[Tensor]:
    """Masks of the elements whose sign is their sum's; a sum of 0 elects +, and 0 itself never matches."""
    majority = torch.where(_add(scaled) >= 0, 1.0, -1.0)
    return [vector.sign() == majority for vector in scaled]


def sparsify(method: Method, delta: Tensor, density: float, rescale: bool, key: int) -> Tensor:
    """Keep a share of a task vector, by the method's rule; a density of 1 changes nothing."""
    if method.sparsifier is None or density >= 1:
        return delta
    kept = keep_largest(delta, density) if method.sparsifier == "magnitude" else drop(delta, density, key)
    return match_l1(delta, kept) if rescale else kept


def keep_largest(delta: Tensor, density: float) -> Tensor:
    """TIES's trim: zero all but the `int(density * n)` largest magnitudes, at least one (arXiv 2306.01708).

    Elements tied with the smallest one kept are all kept, so no sort order enters and every device agrees.
    """
    return delta * (delta.abs() >= _threshold(delta, density))


def kept_count(delta: Tensor, density: float) -> int:
    """How many elements `keep_largest` keeps, ties included."""
    return delta.numel() if density >= 1 else int((delta.abs() >= _threshold(delta, density)).sum())


def drop(delta: Tensor, density: float, key: int) -> Tensor:
    """DARE's drop: keep each element with probability `density` (arXiv 2311.03099)."""
    return delta * keep_mask(key, delta.numel(), density, delta.device).view_as(delta)


def match_l1(original: Tensor, kept: Tensor) -> Tensor:
    """Scale what was kept to the original's L1 norm; unscaled where either is below 1e-7, as in mergekit."""
    before, after = _l1(original), _l1(kept)
    return kept if min(before, after) < 1e-7 else kept * (before / after)


def share(density: float, n: int) -> int:
    """Number of elements that a density stands for: rounded down, at least one."""
    return max(1, int(density * n))


def _threshold(delta: Tensor, density: float) -> Tensor:
    """The smallest magnitude among the `share` largest; one value, shape []."""
    n = delta.numel()
    return delta.abs().flatten().kthvalue(n - share(density, n) + 1).values


def _l1(tensor: Tensor) -> float:
    """Sum of magnitudes; float64 over blocks of fixed size, so that no thread count changes it."""
    blocks = torch.split(tensor.abs().flatten(), _BLOCK)
    return math.fsum(block.sum(dtype=torch.float64).item() for block in blocks)


def _add(tensors: Sequence[Tensor]) -> Tensor:
    return reduce(torch.add, tensors)
