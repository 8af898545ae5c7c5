"""Merges on a sphere: all are linear combinations whose coefficients follow from norms and dot products.

Three steps. `gram` or `row_gram` is made once per family; a function of this page turns it into coefficients
for one candidate; `combine` (or, where task vectors were meant, `shift`) is the elementwise kernel.
Coefficients are float64 from exact products, so the angle of nearly parallel fine-tunes is known to 1e-9,
where float32 sums know it to 1e-2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from merging.errors import CandidateError, RecipeError

_STRAIGHT = 0.9995  # |cosine| above which slerp is lerp
_OPPOSITE = 1e-7  # angle to the antipode within which float64 cannot tell which way is shorter
_CANCELLED = 2.0**-20  # share of the terms below which a float32 sum is noise


def combine(tensors: Sequence[Tensor], coefficients: Tensor) -> Tensor:
    """Sum of the tensors times their coefficients, in this order: the kernel of this page.

    m tensors of one shape and any float dtype; coefficients [m], or [..., m] with leading dimensions that
    broadcast against the tensors. Returns float32.
    """
    factors = coefficients.to(torch.float32)
    total = tensors[0].float() * factors[..., 0]
    for i, tensor in enumerate(tensors[1:], start=1):
        total = total + tensor.float() * factors[..., i]
    return total


def shift(base: Tensor, experts: Sequence[Tensor], coefficients: Tensor) -> Tensor:
    """The base plus the sum of the task vectors times their coefficients: `combine` for `from_base`.

    Shapes and dtypes as for `combine`.
    """
    origin = base.float()
    return origin + combine([expert.float() - origin for expert in experts], coefficients)


def slerp(gram: Tensor, t: float) -> Tensor:
    """Coefficients of base and expert, the way `t` along the great circle between their directions.

    gram [..., 2, 2] float64; returns [..., 2]. A straight line where |cosine| > 0.9995, antipodes included;
    vectors shorter than 1e-8 count as perpendicular. Shoemake 1985, doi 10.1145/325334.325242.
    """
    norms = _norms(gram)
    cosine = _cosine(gram, torch.where(norms > 1e-8, norms, 1.0))
    return _arc(cosine, t, cosine.abs() > _STRAIGHT)


def nuslerp(gram: Tensor, weights: Sequence[float]) -> Tensor:
    """Coefficients of two experts, or their task vectors, by weight along the great circle between them.

    gram [..., 2, 2] float64; returns [..., 2]. Weights that sum to less than 1e-6 count as equal. A straight
    line only where float32 cannot tell the cosine from 1 or -1. mergekit 0.1.5, nuslerp.
    """
    both = weights[0] + weights[1]
    t = 0.5 if abs(both) < 1e-6 else weights[1] / both
    cosine = _cosine(gram, _norms(gram).clamp(min=1e-7))
    return _arc(cosine, t, cosine.float().abs() == 1)


def multislerp(
    gram: Tensor, weights: Sequence[float], normalize_weights: bool = True, eps: float = 1e-8
) -> Tensor:
    """Coefficients of the weighted mean of experts, or their task vectors, on a sphere around their mean.

    gram [m, m] float64; returns [m]. The published steps (project to the tangent plane at the mean, average,
    map back) return to where they started, as the average in that plane is zero: what is left is the mean
    direction at the mean length, times cos(eps). Directions of two that cancel out are interpolated linearly,
    as are vectors that are all zero (where mergekit refuses more than two). Raises RecipeError for weights
    that sum to 0, CandidateError where directions of three or more cancel out. Goddard 2025,
    goddard.blog/posts/multislerp-wow-what-a-cool-idea.
    """
    weight = gram.new_tensor(weights)
    if len(weights) == 1:
        return torch.ones_like(weight)
    if normalize_weights:
        if weight.sum() == 0:
            raise RecipeError("multislerp: the weights sum to 0; set normalize_weights: false or change one")
        weight = weight / weight.sum()
    norms = _norms(gram)
    parts = weight / (norms + eps)
    length = _length(gram, parts)
    if length < max(eps, _CANCELLED * float((parts * norms).abs().sum())):
        if len(weights) > 2 and norms.any():
            raise CandidateError("multislerp: the experts' directions cancel out; change a weight")
        return weight
    return parts * ((norms * weight).sum() * math.cos(eps) / length)


def karcher(gram: Tensor, max_iter: int = 10, tol: float = 1e-5) -> Tensor:
    """Coefficients of the equally weighted Karcher mean of directions, at the mean length.

    gram [m, m] float64; returns [m]. Vectors not longer than `tol` have no direction and only shorten the
    mean; one opposite to the mean pulls it nowhere. Iterates on the coefficients of unit vectors until a step
    is shorter than `tol`. arXiv 2603.04972.
    """
    norms = _norms(gram)
    coefficients = torch.zeros_like(norms)
    valid = (norms > tol).nonzero().flatten()
    if len(norms) == 1 or not len(valid):
        return torch.ones_like(norms) if len(norms) == 1 else coefficients
    units = gram[valid][:, valid] / torch.outer(norms[valid], norms[valid])
    mean = _karcher_mean(units, max_iter, tol)
    coefficients[valid] = norms.mean() * mean / norms[valid]
    return coefficients


def model_stock(gram: Tensor) -> Tensor:
    """Coefficients of base and experts: nearer the experts' mean, the more their task vectors agree.

    gram of the task vectors, [..., N, N] float64, N >= 2; returns [..., 1 + N], the base's first. Where the
    ratio is singular (mean cosine -1 / (N - 1)) the base is kept. The cosine is the mean over pairs, whose
    product of lengths counts as 1e-6 at least, as in mergekit. Jang et al. 2024, arXiv 2403.19522.
    """
    count = gram.shape[-1]
    first, second = torch.triu_indices(count, count, offset=1, device=gram.device)
    norms = _norms(gram)
    products = (norms[..., first] * norms[..., second]).clamp(min=1e-6)
    cosine = (gram[..., first, second] / products).clamp(-1, 1).mean(dim=-1)
    divisor = 1 + (count - 1) * cosine
    singular = divisor.abs() < 1e-6
    ratio = torch.where(singular, 0.0, count * cosine / torch.where(singular, 1.0, divisor))
    return torch.stack([1 - ratio, *[ratio / count] * count], dim=-1)


def _norms(gram: Tensor) -> Tensor:
    return gram.diagonal(dim1=-2, dim2=-1).sqrt()


def _cosine(gram: Tensor, norms: Tensor) -> Tensor:
    return (gram[..., 0, 1] / (norms[..., 0] * norms[..., 1])).clamp(-1, 1)


def _arc(cosine: Tensor, t: float, straight: Tensor) -> Tensor:
    """sin((1 - t) a) / sin(a) and sin(t a) / sin(a) for the angle a; 1 - t and t where `straight`."""
    angle = torch.acos(torch.where(straight, 0.0, cosine))
    ways = [torch.where(straight, way, torch.sin(way * angle) / torch.sin(angle)) for way in (1 - t, t)]
    return torch.stack(ways, dim=-1)


def _length(gram: Tensor, coefficients: Tensor) -> float:
    """Length of the combination of vectors with this Gram matrix; rounding may take its square below 0."""
    square = float((gram * torch.outer(coefficients, coefficients)).sum())
    return math.sqrt(square) if square > 0 else 0.0 if square <= 0 else math.nan


def _karcher_mean(units: Tensor, max_iter: int, tol: float) -> Tensor:
    """Coefficients of the Karcher mean of unit vectors with this Gram matrix, themselves of unit length."""
    share = torch.full_like(units[0], 1 / len(units))
    length = _length(units, share)
    mean = share / length if length >= tol else torch.eye(len(units), dtype=units.dtype)[0]
    for _ in range(max_iter):
        dots = (units * mean).sum(dim=-1).clamp(-1, 1)
        angles = torch.acos(dots)
        aligned = (angles < tol) | (math.pi - angles < _OPPOSITE)
        pull = torch.where(aligned, 0.0, share * angles / torch.sin(angles))
        tangent = pull - (pull * dots).sum() * mean
        step = _length(units, tangent)
        if step < tol or step == 0:
            break
        mean = math.cos(step) * mean + math.sin(step) / step * tangent
        length = _length(units, mean)
        mean = mean / length if length > tol else mean
    return mean
