"""mergekit's arithmetic against mergekit's results, tensor by tensor, and our random masks against its own.

The goldens come from `tests/oracle/make_method_goldens.py`. On the machine that made them all were equal bit
for bit in bfloat16, outside what a sort decides; another processor may sum in another order.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from merging.errors import CandidateError, RecipeError
from merging.mergekit.arithmetic import merge_like_mergekit
from merging.mergekit.sparsify import keep_band, keep_chances, keep_largest
from merging.methods.registry import METHODS, Method
from merging.recipe.rules import Parameters
from tests.oracle.compare import allowed, assert_near, by_rounding, decided
from tests.oracle.masks import SPREAD, sample, summary
from tests.oracle.method_cases import MODES, Case, cases_of
from tests.oracle.method_families import FAMILIES, GOLDEN, goldens_of, models_of

WHOLE = [
    pytest.param(case, mode, id=f"{family}-{name}-{mode}")
    for family in FAMILIES
    for name, case in cases_of(family).items()
    if not name.endswith(("-gradient", "-filters", "-slices"))
    for mode in case.modes
]
MASKS = json.loads((GOLDEN / "masks.json").read_text())


@pytest.mark.parametrize(("case", "mode"), WHOLE)
def test_one_tensor_is_merged_as_mergekit_merges_it(case: Case, mode: str) -> None:
    models, expected = models_of(case.family), goldens_of(case.family, mode)[case.name]
    dtype = torch.bfloat16 if mode == "compat" else torch.float32
    ours, near = {}, {}
    for name, theirs in expected.items():
        base, *experts = (models[model][name].to(dtype) for model in ("base", *case.experts))
        inputs = base, experts, case.parameters()
        merged = merge_like_mergekit(case.method, *inputs, keys=[0] * len(experts))
        assert mode == "default" or merged.dtype == theirs.dtype
        ours[name] = torch.where(decided(case.method, *inputs), merged.to(theirs.dtype), theirs)
        near[name] = allowed(mode, case.method, theirs, *inputs)
    assert_near(ours, expected, near)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_sort_decides_little_of_what_is_compared(family: str, mode: str) -> None:
    models = models_of(family)
    dtype = torch.bfloat16 if mode == "compat" else torch.float32
    left = total = 0
    for name, base in models["base"].items():
        for case in cases_of(family).values():
            if case.name.endswith("-uniform") and case.method.name != "arcee_fusion":
                experts = [models[model][name].to(dtype) for model in case.experts]
                settled = decided(case.method, base.to(dtype), experts, case.parameters())
                left, total = left + int((~settled).sum()), total + settled.numel()
    assert left <= 0.15 * total


def test_rounding_decides_nothing_of_arcee_fusion_where_models_are_far_apart() -> None:
    models = models_of("far")
    for name, base in models["base"].items():
        assert not by_rounding(base.float(), models["expert0"][name].float()).any()


def test_a_comparison_names_the_worst_element() -> None:
    ours, theirs = (
        {"a": torch.tensor([1.0, 2.5]), "b": torch.tensor([torch.nan])},
        {"a": torch.tensor([1.0, 2.0])},
    )
    near = {"a": torch.tensor([0.0, 0.4]), "b": torch.ones(1)}
    with pytest.raises(AssertionError, match=r"1 of 2 elements.* the worst is a\[1\]: 2\.5 instead of 2\.0"):
        assert_near({"a": ours["a"]}, theirs, near)
    with pytest.raises(AssertionError, match=r"2 of 3 elements.* the worst is b\[0\]: nan"):
        assert_near(ours, theirs | {"b": torch.zeros(1)}, near)


def test_methods_that_do_not_read_the_base_do_without() -> None:
    experts = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0])]
    for name in ("linear", "karcher", "nuslerp", "multislerp"):
        assert merge(name, None, experts).isfinite().all()
    assert torch.equal(merge("passthrough", None, experts[:1], more=(("scale", 2.0),)), experts[0] * 2)


@pytest.mark.parametrize("method", [method for method in METHODS.values() if method.mergekit])
def test_float16_is_merged_in_float16(method: Method) -> None:
    base = torch.linspace(-1, 1, 64).half().view(8, 8)
    experts = [base + (torch.arange(64).view(8, 8) % (i + 5)).half() / 64 for i in range(3)]
    merged = merge(method.name, base, experts[: method.experts[1] or 3], density=0.5)
    assert merged.dtype == (torch.float32 if method.name == "arcee_fusion" else torch.float16)
    assert merged.isfinite().all()
    assert merged.shape == base.shape


@pytest.mark.parametrize("method", [method for method in METHODS.values() if method.mergekit])
def test_the_number_of_threads_changes_no_bit(method: Method) -> None:
    torch.manual_seed(0)
    base = torch.randn(300, 400)
    experts = [base + torch.randn(300, 400) * 0.01 for _ in range(method.experts[1] or 5)]
    threads, results = torch.get_num_threads(), []
    try:
        for n in (1, 3):
            torch.set_num_threads(n)
            results.append(merge(method.name, base, experts, density=0.5, rescale=True))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


def test_what_ties_with_the_smallest_magnitude_kept_is_kept() -> None:
    delta = torch.tensor([3.0, -2.0, 1.0, 2.0, 0.5])
    assert keep_largest(delta, 0.5, False).tolist() == [3.0, -2.0, 0.0, 2.0, 0.0]
    assert keep_largest(delta, 0.01, False).tolist() == [3.0, 0.0, 0.0, 0.0, 0.0]
    assert keep_largest(delta, 0.2, True).tolist() == [8.5, 0.0, 0.0, 0.0, 0.0]


def test_a_band_keeps_what_ties_with_its_ends() -> None:
    delta = torch.tensor([5.0, -4.0, 4.0, 3.0, -2.0, 2.0, 1.0, 0.0])
    kept = keep_band(delta, 0.5, 0.125, False)
    assert kept.tolist() == [0.0, -4.0, 4.0, 3.0, -2.0, 2.0, 0.0, 0.0]
    assert keep_band(delta, 0.99, 0.5, False).tolist() == [0.0, *delta.tolist()[1:]]
    assert keep_band(delta, 0.1, 0.0, False).tolist() == [0.0] * 8


def test_della_ranks_a_row_and_ties_by_their_place() -> None:
    chances = keep_chances(torch.tensor([[0.0, -3.0, 1.0], [2.0, 2.0, 2.0]]), 0.5, 0.2)
    assert torch.allclose(chances, torch.tensor([[0.3, 0.7, 0.5], [0.3, 0.5, 0.7]]))
    assert keep_chances(torch.ones(4, 1), 0.5, 0.2).tolist() == [[0.5]] * 4


def test_della_refuses_a_spread_beyond_certainty() -> None:
    with pytest.raises(RecipeError, match=r"epsilon: 0\.3 around density 0\.8"):
        merge("della", torch.zeros(4), [torch.ones(4)], density=0.8, more=(("epsilon", (0.3,)),))


def test_directions_that_cancel_out_have_no_mean() -> None:
    experts = [torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.0]), torch.tensor([0.0, 0.0])]
    with pytest.raises(CandidateError, match="cancel out"):
        merge("multislerp", None, experts)
    assert merge("multislerp", None, experts[:2]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("row", MASKS, ids=lambda row: f"{row['method']}-{row['dtype']}-{row['density']}")
def test_random_masks_are_distributed_as_mergekits(row: dict[str, Any]) -> None:
    """Share kept, mean and variance of what is kept: within four standard errors, over a million elements."""
    delta, density = sample(getattr(torch, row["dtype"])), row["density"]
    spread = (("epsilon", (SPREAD[density],)),) if "della" in row["method"] else ()
    ours = summary(merge(row["method"], torch.zeros_like(delta), [delta], density, row["rescale"], spread))
    kept = delta.numel() * row["share"]
    errors = {
        "share": math.sqrt(row["share"] * (1 - row["share"]) / delta.numel()),
        "mean": math.sqrt(row["variance"] / kept),
        "variance": math.sqrt((row["fourth"] - row["variance"] ** 2) / kept),
    }
    for name, error in errors.items():
        assert abs(ours[name] - row[name]) <= 4 * math.sqrt(2) * error, name  # both were drawn


def merge(
    name: str,
    base: Tensor | None,
    experts: list[Tensor],
    density: float = 1.0,
    rescale: bool | None = None,
    more: tuple[tuple[str, Any], ...] = (),
) -> Tensor:
    """A merge of experts of weight 1, with the method's defaults."""
    method = METHODS[name]
    given = dict(more) | ({"t": 0.3} if "t" in method.defaults else {})
    parameters = Parameters(
        weight=(1.0,) * len(experts),
        density=(density,) * len(experts),
        normalize=method.normalize,
        rescale=method.rescale if rescale is None else rescale,
        more=tuple(sorted(given.items())),
    )
    return merge_like_mergekit(method, base, experts, parameters, keys=range(len(experts)))
