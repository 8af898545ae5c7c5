"""mergekit 0.1.5's arithmetic, one tensor at a time: for `compat: mergekit`.

Every operation runs in the inputs' dtype and in mergekit's order, eagerly, and sums run on one thread, so
results equal those of mergekit with `OMP_NUM_THREADS=1` bit for bit. What differs on purpose: random masks
come from keys, what ties at a cut is all kept (`sparsify`), and quantiles are exact, where mergekit
samples tensors of more than a million elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import softmax

from merging.mergekit.sparsify import drop, drop_by_rank, keep_band, keep_largest, nth_smallest
from merging.mergekit.sphere import karcher, multislerp, nuslerp, slerp
from merging.mergekit.sums import length_last, sum_first, sum_last, total
from merging.methods.registry import Method
from merging.recipe.rules import Parameters


def merge_like_mergekit(
    method: Method,
    base: Tensor | None,
    experts: Sequence[Tensor],
    parameters: Parameters,
    keys: Sequence[int],
) -> Tensor:
    """Merge one tensor as mergekit does, before its cast to `out_dtype`.

    All tensors of one shape, in the dtype of the arithmetic (bfloat16, float16 or float32); `keys` seed the
    random masks, one per expert. The base may be None where the method does not read it. The result has the
    inputs' dtype, but for arcee_fusion's, which is float32.

    Raises:
        RecipeError: epsilon does not fit density (della, della_linear).
        CandidateError: the experts' directions cancel out (multislerp).
    """
    if method.name in _BASE_OR_NONE:
        return _BASE_OR_NONE[method.name](base, experts, parameters)
    assert base is not None, f"{method.name} needs a base"
    if method.name in _ON_BASE:
        return _ON_BASE[method.name](base, experts, parameters)
    deltas = [_sparsify(method, expert - base, parameters, i, keys[i]) for i, expert in enumerate(experts)]
    return base + _combine(torch.stack(deltas), method.consensus, parameters)


def _sparsify(method: Method, delta: Tensor, parameters: Parameters, i: int, key: int) -> Tensor:
    """The task vector of expert `i`, thinned out by the method's rule."""
    density, rescale = parameters.density[i], parameters.rescale
    match method.sparsifier:
        case "magnitude":
            return keep_largest(delta, density, rescale)
        case "outliers":
            return keep_band(delta, density, _own(method, parameters, "gamma", i), rescale)
        case "bernoulli":
            return drop(delta, density, rescale, key)
        case "magprune":
            return drop_by_rank(delta, density, _own(method, parameters, "epsilon", i), rescale, key)
        case None:
            return delta


def _own(method: Method, parameters: Parameters, name: str, i: int) -> float:
    """A parameter of expert `i`, or the method's default."""
    default = method.defaults[name]
    assert default is not None
    value = parameters.get(name, default)
    return float(value[i] if isinstance(value, tuple) else value)


def _combine(deltas: Tensor, consensus: bool, parameters: Parameters) -> Tensor:
    """Weighted sum of deltas [k, ...], each element divided by the weights that took part if `normalize`."""
    weights = torch.tensor(parameters.weight, dtype=deltas.dtype, device=deltas.device)
    weights = weights.view(-1, *(1 for _ in deltas.shape[1:]))
    scaled = deltas * weights
    if consensus:
        agree = _agree(scaled)
        mixed, divisor = sum_first(scaled * agree), sum_first(weights * agree)
        usable = divisor != 0
    else:
        mixed, divisor = sum_first(scaled), sum_first(weights)
        usable = divisor.abs() >= 1e-8
    if parameters.normalize:
        mixed = mixed / torch.where(usable, divisor, 1)
    return mixed if parameters.lambda_ == 1 else mixed * parameters.lambda_


def _agree(scaled: Tensor) -> Tensor:
    """Where elements of [k, ...] have the sign of their sum over k; a sum of 0 counts as positive."""
    return scaled.sign() == torch.where(sum_first(scaled) >= 0, 1, -1)


def _linear(base: Tensor | None, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """Weighted average, summed in float32 and rounded once."""
    weights = torch.tensor(parameters.weight, dtype=torch.float32, device=experts[0].device)
    mixed = torch.zeros_like(experts[0], dtype=torch.float32)
    for expert, weight in zip(experts, weights, strict=True):
        mixed.addcmul_(expert, weight)
    if parameters.normalize:
        mixed /= total(weights)
    return mixed.to(experts[0].dtype)


def _passthrough(base: Tensor | None, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    return experts[0] * _shared(parameters, "scale", 1.0)


def _nearswap(base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """The nearer an expert's element is to the base's, the more of it is taken; all within `t`."""
    apart = (base - experts[0]).abs().clamp(min=1e-6)
    weight = (_shared(parameters, "t") / apart).clamp(min=0, max=1)
    return weight * experts[0] + (1 - weight) * base


def _model_stock(base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """From the base to the experts' mean, by the mean cosine of task vectors: of the tensor, or of rows."""
    rows = bool(parameters.get("filter_wise", False)) and base.dim() > 1
    origin, *tensors = (tensor if rows else tensor.reshape(-1) for tensor in (base, *experts))
    cosines = [_cosine(a, b) for a, b in combinations([tensor - origin for tensor in tensors], 2)]
    cosine = torch.stack(cosines).mean(dim=0)
    count = len(tensors)
    divisor = 1 + (count - 1) * cosine
    # opposed task vectors have no finite estimate: the base stays
    t = torch.where(divisor.abs() < 1e-6, 0, count * cosine / divisor)
    average = sum(tensors[1:], tensors[0]) / count
    return (t * average + (1 - t) * origin).reshape(base.shape)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    norms = length_last(a) * length_last(b)
    return (sum_last(a * b) / norms.clamp(min=1e-6)).clamp(-1, 1)


def _sce(base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """Select elements by variance, weigh experts by energy, erase minority signs: mergekit's variant."""
    deltas = torch.stack([expert - base for expert in experts])
    share = _shared(parameters, "select_topk", 1.0)
    if share < 1:
        deltas = deltas * _most_varied(deltas, share)
    weights = _energy(deltas).view(-1, *(1 for _ in base.shape)) * _agree(deltas)
    return base + sum_first(deltas * weights) / sum_first(weights).clamp(min=1e-6)


def _energy(deltas: Tensor) -> Tensor:
    """Each expert's share of the squared change; equal where all of it is next to nothing. Shape [k]."""
    energy = deltas.square().flatten(1).mean(dim=1)
    together = total(energy).item()
    return torch.ones_like(energy) / len(energy) if abs(together) < 1e-6 else energy / together


def _most_varied(deltas: Tensor, share: float) -> Tensor:
    """The elements that vary most between experts: a share of those that vary at all, and what ties."""
    variance = torch.var(deltas, dim=0, unbiased=False)
    count = int(torch.count_nonzero(variance) * share)
    if count == 0:
        return torch.zeros_like(variance, dtype=torch.bool)
    return variance >= nth_smallest(variance, variance.numel() - count)


def _arcee_fusion(base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """Take the elements far more important than most; float32, as mergekit's mask is."""
    importance = _importance(experts[0], base)
    last = importance.numel() - 1
    q1, median, q3 = (nth_smallest(importance, last * quarter // 4) for quarter in (1, 2, 3))
    chosen = importance >= median + 1.5 * (q3 - q1)
    return base + (experts[0] - base) * chosen.float()


def _importance(expert: Tensor, base: Tensor) -> Tensor:
    """An element's change, times the divergence between the softmax of both rows."""
    p, q = (softmax(tensor, dim=-1) + 1e-8 for tensor in (expert, base))
    return (expert - base).abs() * sum_last(p * torch.log(p / q))


def _shared(parameters: Parameters, name: str, default: float = float("nan")) -> float:
    value = parameters.get(name, default)
    assert isinstance(value, (int, float)), f"{name} is shared by all experts"
    return value


_BASE_OR_NONE: Mapping[str, Callable[[Tensor | None, Sequence[Tensor], Parameters], Tensor]] = (
    MappingProxyType(
        {
            "linear": _linear,
            "nuslerp": nuslerp,
            "multislerp": multislerp,
            "karcher": karcher,
            "passthrough": _passthrough,
        }
    )
)
_ON_BASE: Mapping[str, Callable[[Tensor, Sequence[Tensor], Parameters], Tensor]] = MappingProxyType(
    {
        "slerp": slerp,
        "nearswap": _nearswap,
        "model_stock": _model_stock,
        "sce": _sce,
        "arcee_fusion": _arcee_fusion,
    }
)
