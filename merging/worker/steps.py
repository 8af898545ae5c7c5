"""From a method, its parameters and statistics to the step that makes one tensor of a candidate.

Everything that costs a pass over a tensor is a statistic, made once per family, but for Iso-C's singular
vectors, which depend on the candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from merging.methods import geometry, selection, spectral
from merging.methods.operators import DIVISOR, Average
from merging.methods.registry import METHODS, REQUIRED, Method
from merging.recipe.rules import Setting
from merging.statistics.known import Statistics
from merging.worker.kernels import AddParts, Combine, Fusion, Near, Scale, Sce, Shift
from merging.worker.outline import Ingredients
from merging.worker.runner import Step
from merging.worker.sparse_steps import numbers_of, task_vectors_step

Builder = Callable[[Method, Ingredients, Statistics], Step]


def step_for(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    """The step that makes one tensor; experts of weight 0 cost nothing where they change nothing."""
    if not item.tensors.numel:
        return _copy(item.tensors.base, 0.0)
    if not item.count:
        return _copy(item.tensors.base, item.peaks[0])
    if method.name == "linear" or "weight 0 is base" in method.identities:
        active = [i for i, weight in enumerate(item.parameters.weight) if weight != 0]
        if not active:
            return _copy(item.tensors.base, item.peaks[0])
        item = item.pick(active) if len(active) < item.count else item
    if _is_its_expert(method, item):
        return _copy(item.tensors.experts[0], item.peaks[1])
    return _BUILDERS[method.name](method, item, statistics)


def _is_its_expert(method: Method, item: Ingredients) -> bool:
    """Whether the one expert comes out as it is, which rounding would spoil."""
    if item.count != 1 or "alone is expert" not in method.identities:
        return False
    parameters, reads = item.parameters, method.parameters
    whole = "weight" not in reads or parameters.weight[0] == 1 or parameters.normalize
    whole &= "density" not in reads or parameters.density[0] >= 1
    whole &= "lambda" not in reads or parameters.lambda_ == 1
    whole &= "scale" not in reads or _number(item, method, "scale") == 1
    whole &= "select_topk" not in reads or _number(item, method, "select_topk") >= 1
    return whole or method.name == "multislerp"


def _copy(tensor: Tensor, peak: float) -> Step:
    return Step(Scale(), (tensor,), {"scale": torch.ones(())}, bound=peak)


def _linear(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    parameters = item.parameters
    numbers = numbers_of(item.name, parameters)
    total = sum(abs(w) * peak for w, peak in zip(parameters.weight, item.peaks[1:], strict=True))
    bound = max(total, total / abs(float(numbers[DIVISOR, 0]))) if parameters.normalize else total
    return Step(
        Average(parameters.normalize),
        item.tensors.experts,
        {"numbers": torch.from_numpy(numbers)},
        bound=bound * 1.001,
    )


def _task_vectors(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    return task_vectors_step(method, item, statistics)


def _slerp(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    coefficients = geometry.slerp(statistics.gram(item.tensors, of="all"), _number(item, method, "t"))
    return _combination(item, (item.tensors.base, *item.tensors.experts), coefficients)


def _nuslerp(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    of = "task vectors" if _setting(item, method, "from_base") else "experts"
    axis = None
    if not _setting(item, method, "nuslerp_flatten"):
        axis = 0 if _setting(item, method, "nuslerp_row_wise") else -1
    coefficients = geometry.nuslerp(statistics.gram(item.tensors, of=of, axis=axis), item.parameters.weight)
    return _spherical(item, of, coefficients)


def _multislerp(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    of = "task vectors" if _setting(item, method, "from_base") else "experts"
    coefficients = geometry.multislerp(
        statistics.gram(item.tensors, of=of),
        item.parameters.weight,
        bool(_setting(item, method, "normalize_weights")),
        _number(item, method, "eps"),
    )
    return _spherical(item, of, coefficients)


def _karcher(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    gram = statistics.gram(item.tensors, of="experts")
    iterations, tolerance = _number(item, method, "max_iter"), _number(item, method, "tol")
    return _spherical(item, "experts", geometry.karcher(gram, int(iterations), tolerance))


def _model_stock(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    rows = _setting(item, method, "filter_wise") and item.tensors.base.dim() > 1
    gram = statistics.gram(item.tensors, of="task vectors", axis=-1 if rows else None)
    return _combination(item, (item.tensors.base, *item.tensors.experts), geometry.model_stock(gram))


def _spherical(item: Ingredients, of: str, coefficients: Tensor) -> Step:
    if of == "experts":
        return _combination(item, item.tensors.experts, coefficients)
    return _shifted(item, coefficients)


def _combination(item: Ingredients, inputs: tuple[Tensor, ...], coefficients: Tensor) -> Step:
    peaks = item.peaks if len(inputs) > item.count else item.peaks[1:]
    bound = math.nan if coefficients.dim() > 1 else _weighted(coefficients, peaks)
    factors = {"coefficients": coefficients.float()}
    return Step(Combine(), inputs, factors, rows=coefficients.dim() > 1, bound=bound)


def _shifted(item: Ingredients, coefficients: Tensor) -> Step:
    base, *experts = item.peaks
    bound = math.nan
    if coefficients.dim() == 1:
        bound = base + _weighted(coefficients, [base + peak for peak in experts])
    return Step(
        Shift(),
        (item.tensors.base, *item.tensors.experts),
        {"coefficients": coefficients.float()},
        rows=coefficients.dim() > 1,
        bound=bound,
    )


def _weighted(coefficients: Tensor, peaks: Sequence[float]) -> float:
    factors: list[float] = coefficients.tolist()
    return 1.001 * sum(abs(factor) * peak for factor, peak in zip(factors, peaks, strict=True))


def _sce(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    tensors, share = item.tensors, _number(item, method, "select_topk")
    variant: selection.Variant = "fusechat" if _setting(item, method, "variant") == "fusechat" else "mergekit"
    inputs, cuts, cut = (tensors.base, *tensors.experts), share < 1, math.inf
    if cuts:
        order = statistics.variances(tensors)
        cut, count = order.cut(share)
        sums = order.energies_of(count, tensors.base, tensors.experts)
        inputs = (*inputs, order.variances)
    else:
        sums = statistics.gram(tensors, of="task vectors").diagonal()
    weights = selection.sce_weights(sums, tensors.numel, variant)
    base, *experts = item.peaks
    bound = (2 * base + max(experts)) * 1.001
    numbers = {"weights": weights, "cut": torch.tensor(cut, dtype=torch.float32)}
    return Step(Sce(variant, cuts), inputs, numbers, bound=bound)


def _nearswap(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    t = torch.tensor(_number(item, method, "t"), dtype=torch.float32)
    inputs = (item.tensors.base, item.tensors.experts[0])
    return Step(Near(), inputs, {"t": t}, bound=sum(item.peaks) * 1.001)


def _arcee_fusion(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    divergences, threshold = statistics.importance(item.tensors)
    return Step(
        Fusion(),
        (item.tensors.base, item.tensors.experts[0]),
        {"divergences": divergences, "threshold": threshold},
        rows=True,
        bound=(2 * item.peaks[0] + item.peaks[1]) * 1.001,
    )


def _passthrough(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    scale = _number(item, method, "scale")
    numbers = {"scale": torch.tensor(scale, dtype=torch.float32)}
    return Step(Scale(), item.tensors.experts[:1], numbers, bound=abs(scale) * item.peaks[1] * 1.001)


def _tsv(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    weights = torch.tensor(item.parameters.weight, dtype=torch.float64) * item.parameters.lambda_
    if item.count == 1 or item.tensors.base.dim() != 2:
        return _shifted(item, weights / item.count)
    parts = tuple(statistics.tsv_parts(item.tensors))
    return Step(AddParts(), (item.tensors.base, *parts), {"coefficients": weights.float()})


def _iso_c(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    weights, lambda_ = item.parameters.weight, item.parameters.lambda_
    base, experts = item.tensors.base, item.tensors.experts
    if base.dim() != 2:
        return _shifted(item, torch.tensor(weights, dtype=torch.float64) * lambda_ / item.count)
    part = spectral.iso_c([expert.float() - base.float() for expert in experts], weights)
    numbers = {"coefficients": torch.tensor([lambda_], dtype=torch.float32)}
    return Step(AddParts(), (base, part), numbers, fresh=True)


def _setting(item: Ingredients, method: Method, name: str) -> Setting:
    """A parameter of all experts, or its default."""
    default = method.defaults[name]
    value = item.parameters.get(name, math.nan if default is REQUIRED else default)
    assert not isinstance(value, tuple), f"{name} is one number for all experts"
    return value


def _number(item: Ingredients, method: Method, name: str) -> float:
    return float(_setting(item, method, name))  # type: ignore[arg-type]


_BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        **{name: _task_vectors for name, method in METHODS.items() if method.elementwise},
        "linear": _linear,
        "slerp": _slerp,
        "nuslerp": _nuslerp,
        "multislerp": _multislerp,
        "karcher": _karcher,
        "model_stock": _model_stock,
        "sce": _sce,
        "nearswap": _nearswap,
        "arcee_fusion": _arcee_fusion,
        "passthrough": _passthrough,
        "tsv": _tsv,
        "iso_c": _iso_c,
    }
)
assert _BUILDERS.keys() == METHODS.keys(), "every method of the registry has a builder"
