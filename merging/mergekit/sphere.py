"""mergekit 0.1.5's methods on spheres, in the dtype that its arithmetic runs in.

Operations and their order are mergekit's, each rounded to the dtype as there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from merging.errors import CandidateError
from merging.mergekit.sums import (
    dot,
    dot_by_chunks,
    length,
    length_by_chunks,
    length_last,
    sum_first,
    sum_last,
    total,
)
from merging.recipe.rules import Parameters

_PARALLEL = 0.9995  # cosine from which slerp is linear
_LEAST_NORM = 1e-8


def slerp(base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """From the base to the expert along the sphere, in float32, rounded once; linear if nearly parallel."""
    a, b = base.float(), experts[0].float()
    t = torch.tensor(_number(parameters, "t"), dtype=torch.float32, device=base.device)
    cosine = dot_by_chunks(_unit(a), _unit(b)).clamp(-1, 1)
    if cosine.abs() > _PARALLEL:
        return ((1 - t) * a + t * b).to(base.dtype)
    angle = torch.acos(cosine)
    first, second = torch.sin((1 - t) * angle) / torch.sin(angle), torch.sin(t * angle) / torch.sin(angle)
    return (first * a + second * b).to(base.dtype)


def nuslerp(base: Tensor | None, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """Between two experts, or with `from_base` between their task vectors: whole, by rows or by columns."""
    origin = _origin(base, parameters)
    first, second = (expert if origin is None else expert - origin for expert in experts)
    weights = parameters.weight
    t = 0.5 if abs(sum(weights)) < 1e-6 else weights[1] / sum(weights)
    if parameters.get("nuslerp_flatten", True):
        mixed = _between(first.reshape(-1), second.reshape(-1), t).reshape(first.shape)
    elif parameters.get("nuslerp_row_wise", False):
        turned = [tensor.transpose(0, -1) for tensor in (first, second)]
        mixed = _between(turned[0], turned[1], t).transpose(0, -1)
    else:
        mixed = _between(first, second, t)
    return mixed if origin is None else origin + mixed


def _between(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Along the sphere from a to b over the last dimension; linear where they are exactly parallel."""
    units = [tensor / length_last(tensor).clamp(min=1e-7) for tensor in (a, b)]
    cosine = sum_last(units[0] * units[1]).clamp(-1, 1)
    parallel = (1 - cosine.square()) <= 1e-16
    angle = torch.acos(torch.where(parallel, 0, cosine))
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)
    return torch.where(parallel, (1 - t) * a + t * b, arc)


def multislerp(base: Tensor | None, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """Weighted mean in the tangent plane at the experts' mean direction; one expert alone is itself.

    Raises CandidateError where three or more weighted directions cancel out, so that there is no mean.
    """
    if len(experts) == 1:
        return experts[0]
    origin = _origin(base, parameters)
    tensors = torch.stack([expert if origin is None else expert - origin for expert in experts])
    weights = torch.tensor(parameters.weight, dtype=tensors.dtype, device=tensors.device)
    if parameters.get("normalize_weights", True):
        weights = weights / total(weights)
    mixed = _tangent_mean(tensors.flatten(1), weights, _number(parameters, "eps", 1e-8))
    mixed = mixed.view(tensors.shape[1:])
    return mixed if origin is None else mixed + origin


def _tangent_mean(rows: Tensor, weights: Tensor, eps: float) -> Tensor:
    """The mean of rows [k, n] on their sphere by weights [k]; shape [n]."""
    column = weights.view(-1, 1)
    norms = length_last(rows)
    units = rows / (norms + eps)
    mean = sum_first(units * column)
    mean_norm = length_last(mean)
    if mean_norm < eps:
        return _cancelled(rows, weights)
    mean = mean / mean_norm
    tangent = sum_first((units - sum_last(units * mean) * mean) * column)
    angle = length_last(tangent) + eps
    mixed = mean * torch.cos(angle) + tangent * (torch.sin(angle) / angle)
    return mixed * total(norms.squeeze(-1) * weights)


def _cancelled(rows: Tensor, weights: Tensor) -> Tensor:
    if len(rows) > 2:
        raise CandidateError("multislerp: the weighted directions cancel out; change the weights")
    return rows[0] * weights[0] + rows[1] * weights[1]


def karcher(base: Tensor | None, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """The mean of the experts' directions on the sphere, by the mean of their lengths; the base is unread."""
    if len(experts) == 1:
        return experts[0]
    tol, rounds = _number(parameters, "tol", 1e-5), int(_number(parameters, "max_iter", 10))
    norms = [length(expert) for expert in experts]
    units = [_to_unit(expert, norm) for expert, norm in zip(experts, norms, strict=True) if norm.item() > tol]
    if not units:
        return torch.zeros_like(experts[0])
    alpha = 1.0 / len(experts)
    share = alpha / sum(alpha for _ in units)
    scale = sum(alpha * norm for norm in norms)
    return scale * _mean_direction(units, share, rounds, tol)


def _mean_direction(units: Sequence[Tensor], share: float, rounds: int, tol: float) -> Tensor:
    mean = torch.zeros_like(units[0])
    for unit in units:
        mean += share * unit
    norm = length(mean)
    mean = units[0].clone() if norm.item() < tol else _to_unit(mean, norm)
    for _ in range(rounds):
        tangent = _tangent(mean, units, share, tol)
        angle = length(tangent)
        if angle.item() < tol:
            break
        mean = (torch.cos(angle) * mean + torch.sin(angle) * (tangent / angle)).to(mean.dtype)
        norm = length(mean)
        if norm.item() > tol:
            mean = _to_unit(mean, norm)
    return mean


def _tangent(mean: Tensor, units: Sequence[Tensor], share: float, tol: float) -> Tensor:
    """The mean way from `mean` to the units, in its tangent plane."""
    tangent = torch.zeros_like(mean)
    for unit in units:
        cosine = dot(mean, unit).clamp(-1.0, 1.0)
        angle = torch.arccos(cosine)
        if angle.item() >= tol:
            tangent += share * (angle / torch.sin(angle)) * (unit - cosine * mean)
    return tangent


def _to_unit(tensor: Tensor, norm: Tensor) -> Tensor:
    return (tensor / norm).to(tensor.dtype)


def _unit(tensor: Tensor) -> Tensor:
    norm = length_by_chunks(tensor)
    return tensor / norm if norm > _LEAST_NORM else tensor


def _origin(base: Tensor | None, parameters: Parameters) -> Tensor | None:
    assert base is not None or not parameters.get("from_base", False), "from_base without a base"
    return base if parameters.get("from_base", False) else None


def _number(parameters: Parameters, name: str, default: float = float("nan")) -> float:
    value = parameters.get(name, default)
    assert isinstance(value, (int, float)), f"{name} is shared by all experts"
    return value
