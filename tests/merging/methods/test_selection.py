from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from merging.methods.selection import (
    Variant,
    arcee_fusion,
    divergence,
    importance,
    importance_threshold,
    nearswap,
    passthrough,
    sce,
    sce_weights,
    selected,
    variance,
)
from merging.statistics.variances import VarianceOrder, variance_order

VARIANTS: tuple[Variant, ...] = ("mergekit", "fusechat")


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def merge(base: Tensor, experts: list[Tensor], select_topk: float, variant: Variant) -> Tensor:
    """SCE, all three steps."""
    order = variance_order(base, experts)
    cut, count = order.cut(select_topk) if select_topk < 1 else (0.0, base.numel())
    weights = sce_weights(order.energies_of(count, base, experts), base.numel(), variant)
    return sce(base, experts, weights, variance(base, experts) >= cut, variant)


def published(base: Tensor, experts: list[Tensor], select_topk: float) -> Tensor:
    """SCE as FuseChat's authors describe their code: the variance mask enters the weights, nothing else."""
    deltas = torch.stack(experts).double() - base.double()
    spread = deltas.var(dim=0, unbiased=False)
    count = int(select_topk * int((spread != 0).sum()))
    mask = torch.zeros(spread.numel(), dtype=torch.float64)
    mask[spread.flatten().sort(descending=True).indices[:count]] = 1
    kept = deltas if select_topk >= 1 else deltas * mask.reshape(base.shape)
    energy = kept.square().flatten(1).sum(dim=1)
    share = energy / energy.sum() if energy.sum() > 0 else torch.full_like(energy, 1 / len(experts))
    agrees = deltas.sign() == torch.where(deltas.sum(dim=0) >= 0, 1.0, -1.0)
    weights = agrees * share.reshape(-1, *[1] * base.dim())
    divisor = weights.sum(dim=0)
    divisor[divisor == 0] = 1
    return base.double() + (deltas * weights).sum(dim=0) / divisor


@pytest.mark.parametrize("scale", [1.0, 1e-4])  # the small one is where mergekit's weights are equal
@pytest.mark.parametrize("select_topk", [1.0, 0.4, 0.0])
def test_fusechats_sce_is_as_published(select_topk: float, scale: float) -> None:
    base = normal(20, 30)
    experts = [base + normal(20, 30, seed=i, scale=i * scale) for i in (1, 2, 3)]
    merged = merge(base, experts, select_topk, "fusechat")
    assert torch.allclose(merged.double(), published(base, experts, select_topk), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_equal_experts_are_merged_to_themselves(variant: Variant) -> None:
    base = normal(50)
    expert = base + normal(50, seed=1)
    assert torch.allclose(merge(base, [expert] * 3, 1.0, variant), expert, atol=1e-6)


@given(st.permutations(range(3)), st.sampled_from(VARIANTS), st.sampled_from([1.0, 0.5, 0.1]))
def test_sce_takes_experts_in_any_order(order: list[int], variant: Variant, select_topk: float) -> None:
    base = normal(300)
    experts = [base + normal(300, seed=i) for i in (1, 2, 3)]
    merged = merge(base, experts, select_topk, variant)
    shuffled = merge(base, [experts[i] for i in order], select_topk, variant)
    assert torch.allclose(merged, shuffled, rtol=0, atol=1e-6)


def test_where_sce_selects_nothing_the_base_stays() -> None:
    base = normal(50)
    experts = [base + normal(50, seed=i) for i in (1, 2)]
    assert torch.equal(merge(base, experts, 0.0, "mergekit"), base)
    assert torch.equal(merge(base, experts, 0.01, "mergekit"), base)
    assert torch.equal(merge(base, [base, base], 0.5, "mergekit"), base)


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=40), st.floats(0, 0.99))
def test_the_cut_keeps_the_largest_and_all_ties(values: list[int], select_topk: float) -> None:
    apart = torch.tensor(values, dtype=torch.float32)
    base, experts = torch.zeros_like(apart), [apart, -apart]
    variances = variance(base, experts)
    count = selected(int((variances > 0).sum()), select_topk)
    cut, reaching = variance_order(base, experts).cut(select_topk)
    assert reaching == int((variances >= cut).sum())
    if count == 0:
        assert (cut, reaching) == (math.inf, 0)
        return
    assert cut == variances.sort(descending=True).values[count - 1]
    assert reaching >= count > int((variances > cut).sum())


def test_the_share_selected_is_a_float32_product() -> None:
    assert selected(100, 0.29) == 29  # 28.999999999999996 in float64
    assert selected(100, 0.0) == 0


def test_variance_is_rounded_once() -> None:
    base, experts = normal(400), [normal(400, seed=i) for i in (1, 2, 3)]
    deltas = torch.stack([expert - base for expert in experts]).double()
    assert torch.equal(variance(base, experts), deltas.var(dim=0, unbiased=False).float())
    assert not variance(base, experts[:1]).any()


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 4000, 5000])
def test_energies_of_so_many_elements_are_their_squares_sum(count: int) -> None:
    base, *experts = (normal(5000, seed=i) for i in range(3))
    order = variance_order(base, experts)
    largest = variance(base, experts).sort(descending=True).indices[:count]
    for energy, expert in zip(order.energies_of(count, base, experts), experts, strict=True):
        exact = math.fsum((expert - base)[largest].double().square().tolist())
        assert energy.item() == pytest.approx(exact, rel=1e-13)


def test_an_order_comes_back_from_its_tensors() -> None:
    base, *experts = (normal(3000, seed=i).bfloat16() for i in range(3))
    order = variance_order(base, experts)
    back = VarianceOrder.from_tensors(order.to_tensors())
    assert back.cut(0.3) == order.cut(0.3)
    assert torch.equal(back.energies_of(700, base, experts), order.energies_of(700, base, experts))


def test_small_task_vectors_weigh_the_same_in_mergekits_sce_only() -> None:
    sums = torch.tensor([25e-8, 4e-8, 1e-8])
    assert sce_weights(sums, 1).tolist() == pytest.approx([1 / 3] * 3)
    assert sce_weights(sums, 1, "fusechat").tolist() == pytest.approx([25 / 30, 4 / 30, 1 / 30])
    assert sce_weights(torch.zeros(2), 1, "fusechat").tolist() == [0.5, 0.5]


@given(st.floats(0, 2), st.integers(0, 1000))
def test_nearswap_never_goes_further_than_t(t: float, seed: int) -> None:
    base, expert = normal(60, seed=seed), normal(60, seed=seed + 1)
    merged = nearswap(base, expert, torch.tensor(t))
    assert ((merged - base).abs() <= t + 1e-6).all()
    reached = (expert - base).abs() < t * 0.999
    assert torch.allclose(merged[reached], expert[reached])


def test_nearswap_by_nothing_is_the_base() -> None:
    base = normal(60)
    assert torch.equal(nearswap(base, normal(60, seed=1), torch.tensor(0.0)), base)


def test_passthrough_scales() -> None:
    tensor = normal(60)
    assert torch.equal(passthrough(tensor, torch.tensor(1.0)), tensor)
    assert torch.equal(passthrough(tensor.bfloat16(), torch.tensor(2.0)), tensor.bfloat16().float() * 2)


def test_rows_of_equal_models_do_not_diverge() -> None:
    base = normal(6, 100)
    assert divergence(base, base).tolist() == [[0.0]] * 6
    assert torch.equal(arcee_fusion(base, base, divergence(base, base), torch.tensor(0.0)), base)


@pytest.mark.parametrize("shape", [(100,), (6, 100), (2, 3, 100)])
def test_divergence_is_that_of_the_rows_softmax(shape: tuple[int, ...]) -> None:
    base, expert = normal(*shape), normal(*shape, seed=1)
    p, q = (torch.softmax(tensor.double(), dim=-1) + 1e-8 for tensor in (expert, base))
    wanted = (p * (p / q).log()).sum(dim=-1, keepdim=True)
    assert torch.allclose(divergence(base, expert).double(), wanted, rtol=1e-4)


def test_divergence_is_mergekits_to_the_bit() -> None:
    base = normal(8, 4096, scale=0.02).bfloat16()
    expert = (base + normal(8, 4096, seed=1, scale=1e-3)).bfloat16()
    p, q = (torch.softmax(tensor.float(), dim=-1) + 1e-8 for tensor in (expert, base))
    assert torch.equal(divergence(base, expert), torch.sum(p * torch.log(p / q), dim=-1, keepdim=True))


@given(st.lists(st.floats(0, 8, width=32), min_size=1, max_size=50))
def test_the_threshold_is_of_exact_quartiles(values: list[float]) -> None:
    order, last = sorted(values), len(values) - 1
    first, median, third = (order[int(q * last)] for q in (0.25, 0.5, 0.75))
    found = importance_threshold(torch.tensor(values, dtype=torch.float32)).item()
    assert found == pytest.approx(median + 1.5 * (third - first), rel=1e-6, abs=1e-30)


def test_arcee_fusion_takes_what_is_important() -> None:
    base, expert = normal(6, 40), normal(6, 40, seed=1)
    rows = divergence(base, expert)
    importances = importance(base, expert, rows)
    threshold = importance_threshold(importances)
    merged = arcee_fusion(base, expert, rows, threshold)
    taken = importances >= threshold
    assert 0 < int(taken.sum()) < taken.numel() / 2
    assert torch.equal(merged[~taken], base[~taken])
    assert torch.allclose(merged[taken], expert[taken], atol=1e-6)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (1,)])
def test_arcee_fusion_takes_tensors_of_one_number_or_none(shape: tuple[int, ...]) -> None:
    base, expert = torch.zeros(shape), torch.ones(shape)
    rows = divergence(base, expert)
    assert rows.shape == (*shape[:-1], 1)[: len(shape)]
    threshold = importance_threshold(importance(base, expert, rows))
    assert torch.equal(arcee_fusion(base, expert, rows, threshold), expert)
