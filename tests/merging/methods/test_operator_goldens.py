"""The operators of `geometry` and `selection` against mergekit 0.1.5 on small tensors.

Our coefficients are exact where mergekit's come from float32 sums, so results differ by roundings of float32.
They are counted in units in the last place of the largest term summed. Where mergekit was asked in float64
too, ours must be as near to that truth. `tests/oracle/make_operator_goldens.py` says how the goldens come to
be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.errors import CandidateError
from merging.methods.geometry import combine, karcher, model_stock, multislerp, nuslerp, shift, slerp
from merging.methods.selection import (
    arcee_fusion,
    divergence,
    importance,
    importance_threshold,
    nearswap,
    passthrough,
    sce,
    sce_weights,
    variance,
)
from merging.statistics.gram import gram, row_gram
from merging.statistics.variances import variance_order
from tests.oracle.compare import by_rounding

FOLDER = Path(__file__).parents[2] / "oracle" / "golden" / "operators"
FACTS = json.loads((FOLDER / "cases.json").read_text())
KEPT = load_file(FOLDER / "tensors.safetensors")
FAMILIES = sorted({key.split("/")[0] for key in KEPT})

Merged = tuple[Tensor, Tensor]
"""A result, and the largest term that went into each element."""
Case = dict[str, Any]


def split(flat: Tensor) -> list[Tensor]:
    """The tensors of all shapes."""
    shapes = [tuple(shape) for shape in FACTS["shapes"]]
    parts = torch.split(flat, [math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def named(case: Case) -> str:
    return "-".join([case["method"], *map(str, case["experts"]), *map(str, case["parameters"].values())])


def ask(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    return METHODS[case["method"]](case, base, [experts[i] for i in case["experts"]])


def sphere(base: Tensor | None, tensors: list[Tensor], coefficients: Tensor) -> Merged:
    vectors = [tensor.float() - (0 if base is None else base.float()) for tensor in tensors]
    terms = [(coefficients[..., i].float() * vector).abs() for i, vector in enumerate(vectors)]
    largest = torch.stack(terms if base is None else [*terms, base.float().abs()]).amax(dim=0)
    merged = combine(tensors, coefficients) if base is None else shift(base, tensors, coefficients)
    return merged, largest


def ask_slerp(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    both = [base, *experts]
    return sphere(None, both, slerp(gram(both), case["parameters"]["t"]))


def ask_nuslerp(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    origin, parameters = base if case["base"] else None, case["parameters"]
    if parameters.get("nuslerp_flatten", True):
        matrix = gram(experts, origin)
    else:
        matrix = row_gram(experts, 0 if parameters["nuslerp_row_wise"] else -1, origin)
    return sphere(origin, experts, nuslerp(matrix, parameters["weight"]))


def ask_multislerp(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    parameters, origin = dict(case["parameters"]), base if case["base"] else None
    weights = parameters.pop("weight")
    return sphere(origin, experts, multislerp(gram(experts, origin), weights, **parameters))


def ask_karcher(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    return sphere(None, experts, karcher(gram(experts), **case["parameters"]))


def ask_model_stock(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    matrix = row_gram(experts, -1, base) if case["parameters"]["filter_wise"] else gram(experts, base)
    return sphere(None, [base, *experts], model_stock(matrix))


def ask_sce(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    order, share = variance_order(base, experts), case["parameters"].get("select_topk", 1.0)
    cut, count = order.cut(share) if share < 1 else (0.0, base.numel())
    weights = sce_weights(order.energies_of(count, base, experts), base.numel())
    return sce(base, experts, weights, variance(base, experts) >= cut), largest_of(base, experts)


def ask_nearswap(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    return nearswap(base, experts[0], torch.tensor(case["parameters"]["t"])), largest_of(base, experts)


def ask_arcee_fusion(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    rows = divergence(base, experts[0])
    threshold = importance_threshold(importance(base, experts[0], rows))
    return arcee_fusion(base, experts[0], rows, threshold), largest_of(base, experts)


def ask_passthrough(case: Case, base: Tensor, experts: list[Tensor]) -> Merged:
    return passthrough(experts[0], torch.tensor(case["parameters"]["scale"])), largest_of(base, experts)


def largest_of(base: Tensor, experts: list[Tensor]) -> Tensor:
    return torch.stack([base.float().abs(), *[expert.float().abs() for expert in experts]]).amax(dim=0)


METHODS: dict[str, Callable[[Case, Tensor, list[Tensor]], Merged]] = {
    "slerp": ask_slerp,
    "nuslerp": ask_nuslerp,
    "multislerp": ask_multislerp,
    "karcher": ask_karcher,
    "model_stock": ask_model_stock,
    "sce": ask_sce,
    "nearswap": ask_nearswap,
    "arcee_fusion": ask_arcee_fusion,
    "passthrough": ask_passthrough,
}


def ulps(merged: Tensor, wanted: Tensor, largest: Tensor) -> Tensor:
    """Differences in units in the last place of the largest term, or of the sum if that is larger."""
    largest = torch.maximum(largest, wanted.abs())
    unit = torch.nextafter(largest, torch.tensor(torch.inf)).double() - largest.double()
    return (merged.double() - wanted.double()).abs() / unit


def asked() -> list[Any]:
    return [
        pytest.param(name, number, case, id=f"{name}-{named(case)}")
        for name in FAMILIES
        for number, case in enumerate(FACTS["cases"])
    ]


def tied(case: Case, base: Tensor, experts: list[Tensor]) -> bool:
    """Whether SCE's choice is open: mergekit takes any of the elements tied at the cut, we take all."""
    if case["method"] != "sce" or case["parameters"].get("select_topk", 1.0) >= 1:
        return False
    order = variance_order(base, [experts[i] for i in case["experts"]])
    cut, _ = order.cut(case["parameters"]["select_topk"])
    return int((order.variances == cut).sum()) > 1


def allowed(family: str, case: Case) -> float:
    """How far float32 roundings of sums may take mergekit, and us, where no truth is kept."""
    if family == "opposite" and case["method"] == "model_stock":
        return 16.0  # near the singular ratio
    return 5.0


@pytest.mark.parametrize(("family", "number", "case"), asked())
def test_a_merge_is_mergekits(family: str, number: int, case: Case) -> None:
    inputs = [split(KEPT[f"{family}/{i}"]) for i in range(1 + FACTS["experts"])]
    key = f"{family}/case{number}"
    if key in FACTS["refused"]:
        with pytest.raises(CandidateError, match="cancel out"):
            ask(case, inputs[0][0], [tensors[0] for tensors in inputs[1:]])
        return
    if family == "opposite" and case["method"] == "karcher" and len(case["experts"]) == 4:
        pytest.skip("antipodes that balance: mergekit divides by sin(pi), so its result is rounding")
    for i, wanted in enumerate(split(KEPT[key])):
        base, experts = inputs[0][i], [tensors[i] for tensors in inputs[1:]]
        merged, largest = ask(case, base, experts)
        if case["method"] == "arcee_fusion":
            merged = merged.where(~by_rounding(base, experts[case["experts"][0]]), wanted)
        off = 0.0
        if f"{key}/truth" in KEPT:
            truth = split(KEPT[f"{key}/truth"])[i]
            assert ulps(merged, truth, largest).max() <= 4
            off = float(ulps(wanted, truth, largest).max())
        if not tied(case, base, experts):
            assert ulps(merged, wanted, largest).max() <= allowed(family, case) + off


def test_the_goldens_are_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 300_000
