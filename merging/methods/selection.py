"""Merges that select elements: SCE by variance and sign, NearSwap by distance, Arcee Fusion by importance.

Each is split as the engine works. Statistics are made once per family: a variance, a divergence, a threshold.
From them and a candidate's parameters follow a few numbers; the kernel is elementwise: any float dtype in,
float32 out, over a whole tensor or any part of it, with the numbers as tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor

from merging.methods.sums import one_thread

Variant = Literal["mergekit", "fusechat"]
_CHUNK = 1 << 20
_EPSILON = 1e-8  # Arcee Fusion's guard against the logarithm of 0


def variance(base: Tensor, experts: Sequence[Tensor]) -> Tensor:
    """Variance between the task vectors of each element: the statistic of SCE's selection.

    Tensors of one shape; returns float32 of that shape. Taken in float64 and rounded once, so every device
    agrees on order and ties. Wan et al. 2024, arXiv 2408.07990.
    """
    deltas = [delta.double() for delta in _deltas(base, experts)]
    mean = reduce(torch.add, deltas) / len(deltas)
    squares = [(delta - mean) * (delta - mean) for delta in deltas]
    return (reduce(torch.add, squares) / len(deltas)).float()


def selected(nonzero: int, select_topk: float) -> int:
    """How many elements SCE selects of those whose variance is not 0; a float32 product, as in mergekit."""
    return min(nonzero, int(torch.tensor(nonzero) * select_topk)) if select_topk > 0 else 0


def sce_weights(sums: Tensor, n: int, variant: Variant = "mergekit") -> Tensor:
    """Weights of the experts, float32 [m], from their sums of squares over a tensor of n elements.

    Shares of the mean squares; equal where these sum to less than 1e-6 (which fine-tunes often do), or, for
    "fusechat", to exactly 0.
    """
    means = sums.double() / n
    together = means.sum()
    equal = together == 0 if variant == "fusechat" else together.float() < 1e-6
    weights = torch.full_like(means, 1 / len(means)) if equal else means / together
    return weights.float()


def sce(
    base: Tensor,
    experts: Sequence[Tensor],
    weights: Tensor,
    kept: Tensor | None,
    variant: Variant = "mergekit",
) -> Tensor:
    """The base plus the weighted mean of the task vectors that agree with the elected sign: SCE's kernel.

    Tensors of one shape; weights float32 [m], kept bool, or None for all. "mergekit" merges what was selected
    and divides by at least 1e-6; "fusechat" (the authors' code) selects for the weights alone, merges
    everything, and divides by 1 where nothing took part. A sum of 0 elects +, and 0 itself never agrees.
    arXiv 2408.07990.
    """
    origin = base.float()
    deltas = _select(base, experts, kept if variant == "mergekit" else None)
    majority = torch.where(reduce(torch.add, deltas) >= 0, 1.0, -1.0)
    erased = [(delta.sign() == majority) * weights[i] for i, delta in enumerate(deltas)]
    mixed = reduce(torch.add, [delta * weight for delta, weight in zip(deltas, erased, strict=True)])
    divisor = reduce(torch.add, erased)
    if variant == "mergekit":
        return origin + mixed / divisor.clamp(min=1e-6)
    return origin + mixed / torch.where(divisor == 0, 1.0, divisor)


def nearswap(base: Tensor, expert: Tensor, t: Tensor) -> Tensor:
    """The base moved towards the expert by at most `t` an element: a kernel.

    Tensors of one shape; t float32 []. alchemonaut 2024,
    huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001.
    """
    a, b = base.float(), expert.float()
    weight = ((a - b).abs().clamp(min=1e-6).reciprocal() * t).clamp(0, 1)
    return weight * b + (1 - weight) * a


def passthrough(tensor: Tensor, scale: Tensor) -> Tensor:
    """The tensor times `scale`, float32 []: a kernel. mergekit 0.1.5, passthrough."""
    return tensor.float() * scale


def divergence(base: Tensor, expert: Tensor) -> Tensor:
    """How far the softmax of each of the expert's rows diverges from the base's: KL, in nats.

    Rows are the last dimension. Returns float32 of the tensors' shape with a last size of 1. The steps are
    mergekit's, in float32 and in torch's order of summing: divergences of fine-tunes lie near the rounding of
    sums to 1, so other steps, exact ones too, would pick other elements. mergekit 0.1.5, arcee_fusion.
    """
    if not base.dim() or not base.numel():  # one number, or none: a softmax of 1, or nothing that diverges
        return torch.zeros((*base.shape[:-1], 1)[: base.dim()], device=base.device)
    row = base.shape[-1]
    p, q = expert.reshape(-1, row), base.reshape(-1, row)
    step = max(1, _CHUNK // max(row, 1))
    with one_thread(base):
        parts = [_kl(p[i : i + step].float(), q[i : i + step].float()) for i in range(0, len(p), step)]
    return torch.cat(parts).reshape(*base.shape[:-1], 1)


def importance(base: Tensor, expert: Tensor, divergences: Tensor) -> Tensor:
    """Change of each element times the divergence of its row; float32 of the tensors' shape."""
    return (expert.float() - base.float()).abs() * divergences


def importance_threshold(importances: Tensor) -> Tensor:
    """The importance that Arcee Fusion takes at least: median + 1.5 * (third - first quartile), float32 [].

    Quartile q is the number at position floor(q * (n - 1)) in order; mergekit samples from a million elements
    on, here they are exact.
    """
    if not importances.numel():
        return importances.new_zeros(())
    flat, last = importances.flatten(), importances.numel() - 1
    first, median, third = (flat.kthvalue(part * last // 4 + 1).values for part in (1, 2, 3))
    return median + 1.5 * (third - first)


def arcee_fusion(base: Tensor, expert: Tensor, divergences: Tensor, threshold: Tensor) -> Tensor:
    """The base, and the expert where its importance reaches the threshold: a kernel.

    Tensors of one shape, or whole rows of them; divergences float32 [..., 1], threshold float32 [].
    """
    origin = base.float()
    mask = importance(base, expert, divergences) >= threshold
    return origin + (expert.float() - origin) * mask


def _deltas(base: Tensor, experts: Sequence[Tensor]) -> list[Tensor]:
    origin = base.float()
    return [expert.float() - origin for expert in experts]


def _select(base: Tensor, experts: Sequence[Tensor], kept: Tensor | None) -> list[Tensor]:
    """Task vectors, zeroed where nothing is kept."""
    deltas = _deltas(base, experts)
    return deltas if kept is None else [torch.where(kept, delta, 0.0) for delta in deltas]


def _kl(p: Tensor, q: Tensor) -> Tensor:
    p, q = torch.softmax(p, dim=-1) + _EPSILON, torch.softmax(q, dim=-1) + _EPSILON
    return torch.sum(p * torch.log(p / q), dim=-1)
