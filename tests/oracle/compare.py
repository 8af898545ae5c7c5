"""How far a merge is from mergekit's, and which of its elements mergekit's sort decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from merging.methods.registry import Method
from merging.methods.selection import divergence, importance, importance_threshold
from merging.recipe.rules import Parameters

_BITS = {torch.float32: 24, torch.bfloat16: 8, torch.float16: 11}


def assert_near(
    candidate: Mapping[str, Tensor], expected: Mapping[str, Tensor], allowed: Mapping[str, Tensor]
) -> None:
    """Every element lies within what is allowed; else the error counts the others and names the worst."""
    assert candidate.keys() == expected.keys()
    assert all(tensor.dtype == expected[name].dtype for name, tensor in candidate.items())
    off = {name: (tensor.double() - expected[name].double()).abs() for name, tensor in candidate.items()}
    far = {name: ~(off[name] <= allowed[name]) for name in off}  # so that NaN is far from everything
    tensors = [name for name in far if far[name].any()]
    if tensors:
        times = {name: (off[name] / allowed[name]).nan_to_num(torch.inf, torch.inf) for name in tensors}
        times = {name: ratio.where(far[name], 0) for name, ratio in times.items()}
        worst = max(tensors, key=lambda name: float(times[name].max()))
        place = int(times[worst].argmax())
        ours, theirs = candidate[worst].flatten()[place].item(), expected[worst].flatten()[place].item()
        counts = sum(int(far[name].sum()) for name in tensors), sum(map(Tensor.numel, off.values()))
        raise AssertionError(
            f"{counts[0]} of {counts[1]} elements are too far off, in {', '.join(tensors)};"
            f" the worst is {worst}[{place}]: {ours!r} instead of {theirs!r}"
        )


def ulp(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Distance of a number to its neighbours in a dtype; float64."""
    _, exponent = torch.frexp(values.double().abs())
    return torch.ldexp(torch.ones_like(values, dtype=torch.float64), exponent - _BITS[dtype])


def allowed(
    mode: str,
    method: Method,
    expected: Tensor,
    base: Tensor,
    experts: Sequence[Tensor],
    parameters: Parameters,
) -> Tensor:
    """How far a result may be from mergekit's.

    In float32: 1 ulp of what is written, or 4 ulps at the largest number that is summed, whichever is larger.
    In bfloat16: nothing, but an ulp where sums over whole tensors enter. Task vectors that are rescaled grow
    by no more than the inverse of what was kept of them.
    """
    if mode == "compat":
        exact = method.elementwise and not parameters.rescale
        return ulp(expected, torch.bfloat16) * (not exact)
    grown = [
        (e - base) / (d if parameters.rescale else 1)
        for e, d in zip(experts, parameters.density, strict=True)
    ]
    terms = torch.stack([tensor.abs() for tensor in (base, *experts, *grown)]).amax(0)
    return torch.maximum(ulp(expected, expected.dtype), 4 * ulp(terms, torch.float32))


def decided(method: Method, base: Tensor, experts: Sequence[Tensor], parameters: Parameters) -> Tensor:
    """Elements that neither a sort of equal magnitudes decides in mergekit, nor the last bits of a sum; bool.

    None of a tensor where a sum over it follows the sort: with `rescale`, and in the weights of sce.
    """
    undecided = torch.zeros_like(base, dtype=torch.bool)
    if method.name == "arcee_fusion":
        return ~by_rounding(base, experts[0])
    if method.name == "karcher" and _parallel(experts):
        return undecided
    deltas = [expert - base for expert in experts]
    if method.name == "sce":
        share = dict(parameters.more).get("select_topk", 1.0)
        assert isinstance(share, (int, float))
        variance = torch.var(torch.stack(deltas), dim=0, unbiased=False)
        count = int(torch.count_nonzero(variance) * share) if share < 1 else 0
        undecided = _tied_at(variance, [variance.numel() - count]) & (variance > 0)
    for i, delta in enumerate(deltas):
        if parameters.density[i] < 1:
            cuts = _cuts(method, delta.numel(), parameters, i)
            undecided |= _tied_at(delta.abs(), cuts) & (delta != 0)
    if (parameters.rescale or method.name == "sce") and undecided.any():
        return torch.zeros_like(undecided)
    return ~undecided


def by_rounding(base: Tensor, expert: Tensor) -> Tensor:
    """Elements for which the processor's rounding decides in Arcee Fusion, ours as mergekit's; bool.

    A divergence is a float32 sum over softmaxes that add up to 1: vector units of other widths sum in another
    order, and take other exponentials. Against float64 it is off by 2.9 * 2^-24 at most in all families here,
    and two processors may be off to different sides. The threshold moves with the elements at its quartiles.
    """
    rows = divergence(base, expert)
    importances = importance(base, expert, rows)
    off = (expert.float() - base.float()).abs() * 6 * 2.0**-24
    moved = 4 * off.flatten().median() if off.numel() else off
    return (importances - importance_threshold(importances)).abs() <= off + moved


def _parallel(experts: Sequence[Tensor]) -> bool:
    """Whether angles between experts are too small for float32: karcher then skips those that round to 0."""
    pairs = [(a.double().flatten(), b.double().flatten()) for a, b in combinations(experts, 2)]
    return any(torch.cosine_similarity(a, b, dim=0) > 1 - 1e-6 for a, b in pairs)


def _cuts(method: Method, n: int, parameters: Parameters, i: int) -> list[int]:
    """Places in ascending order before which mergekit cuts."""
    if method.sparsifier == "magnitude":
        return [n - max(1, int(parameters.density[i] * n))]
    if method.sparsifier == "outliers":
        gammas = parameters.get("gamma", 0.01)
        gamma = gammas[i] if isinstance(gammas, tuple) else float(gammas)
        count = int(parameters.density[i] * n)
        first = max(0, n - count - int(gamma * n))
        return [first, first + count]
    return []


def _tied_at(magnitude: Tensor, cuts: Sequence[int]) -> Tensor:
    ordered = magnitude.flatten().sort().values
    tied = torch.zeros_like(magnitude, dtype=torch.bool)
    for cut in cuts:
        if 0 < cut < len(ordered) and ordered[cut - 1] == ordered[cut]:
            tied |= magnitude == ordered[cut]
    return tied
