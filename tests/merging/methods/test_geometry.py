from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from merging.errors import CandidateError, RecipeError
from merging.methods.geometry import combine, karcher, model_stock, multislerp, nuslerp, shift, slerp
from merging.statistics.gram import gram, row_gram

seeds = st.integers(0, 10_000)
ways = st.floats(0, 1)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def several(count: int, seed: int, *shape: int) -> list[Tensor]:
    return [normal(*(shape or (40,)), seed=seed + i) for i in range(count)]


def near(a: Tensor, b: Tensor, tolerance: float = 1e-6) -> bool:
    return bool(((a.double() - b.double()).norm() <= tolerance * b.double().norm()).item())


SPHERES: dict[str, Callable[[Tensor], Tensor]] = {
    "nuslerp": lambda matrix: nuslerp(matrix, [0.3, 0.7]),
    "multislerp": lambda matrix: multislerp(matrix, [0.3, 0.7]),
    "karcher": karcher,
}


def test_slerp_ends_at_its_inputs() -> None:
    both = several(2, 0)
    assert torch.equal(combine(both, slerp(gram(both), 0.0)), both[0])
    assert torch.equal(combine(both, slerp(gram(both), 1.0)), both[1])


@given(ways, seeds)
def test_slerp_between_unit_vectors_stays_on_the_sphere_and_shares_the_angle(t: float, seed: int) -> None:
    both = [vector / vector.norm() for vector in several(2, seed)]
    merged = combine(both, slerp(gram(both), t)).double()
    angle = math.acos(float(both[0].double() @ both[1].double()))
    assert merged.norm().item() == pytest.approx(1, abs=1e-6)
    assert float(merged @ both[0].double()) == pytest.approx(math.cos(t * angle), abs=1e-6)


@pytest.mark.parametrize("factor", [1.0, 2.5, -1.0, -3.0])
def test_what_is_on_one_line_is_interpolated_on_it(factor: float) -> None:
    one = normal(40)
    assert slerp(gram([one, one * factor]), 0.25).tolist() == [0.75, 0.25]
    assert nuslerp(gram([one, one * factor]), [3.0, 1.0]).tolist() == [0.75, 0.25]


def test_slerp_is_straight_from_a_cosine_of_0_9995_on() -> None:
    def between(cosine: float) -> list[float]:
        return slerp(torch.tensor([[1.0, cosine], [cosine, 1.0]], dtype=torch.float64), 0.3).tolist()

    assert between(0.9996) == between(-0.9996) == [0.7, 0.3]
    assert between(0.9994) != [0.7, 0.3]


def test_a_vector_of_zeros_counts_as_perpendicular() -> None:
    both = [torch.zeros(40), normal(40)]
    wanted = [math.sin(0.7 * math.pi / 2), math.sin(0.3 * math.pi / 2)]
    assert slerp(gram(both), 0.3).tolist() == pytest.approx(wanted)
    assert nuslerp(gram(both), [0.7, 0.3]).tolist() == pytest.approx(wanted)


def test_nuslerp_takes_weights_that_cancel_for_equal() -> None:
    matrix = gram(several(2, 0))
    assert torch.equal(nuslerp(matrix, [0.5, -0.5]), nuslerp(matrix, [1.0, 1.0]))


@pytest.mark.parametrize("dim", [0, -1])
def test_row_wise_is_row_by_row(dim: int) -> None:
    both = several(2, 0, 6, 10)
    merged = combine(both, nuslerp(row_gram(both, dim), [0.4, 0.6]))
    for i in range(both[0].shape[dim - 1 if dim else 1]):
        rows = [tensor.select(1 + dim if dim else 1, i) for tensor in both]
        alone = combine(rows, nuslerp(gram(rows), [0.4, 0.6]))
        assert near(merged.select(1 + dim if dim else 1, i), alone)


@given(st.sampled_from(sorted(SPHERES)), seeds)
def test_equal_inputs_are_kept(name: str, seed: int) -> None:
    one = normal(40, seed=seed)
    assert near(combine([one, one], SPHERES[name](gram([one, one]))), one)


@given(st.sampled_from(sorted(SPHERES)), seeds, st.floats(0.01, 100))
def test_scaling_all_inputs_scales_the_merge(name: str, seed: int, factor: float) -> None:
    both = several(2, seed)
    matrix = gram(both)
    assert torch.allclose(SPHERES[name](matrix * factor**2), SPHERES[name](matrix), rtol=1e-6)


@given(st.permutations(range(4)), seeds)
def test_experts_come_in_any_order(order: list[int], seed: int) -> None:
    experts, weights = several(4, seed), [0.4, 0.1, 0.3, 0.2]
    mixed, shuffled = [experts[i] for i in order], [weights[i] for i in order]
    for one, other in (
        (multislerp(gram(experts), weights), multislerp(gram(mixed), shuffled)),
        (karcher(gram(experts)), karcher(gram(mixed))),
        (model_stock(gram(experts))[1:], model_stock(gram(mixed))[1:]),
    ):
        assert torch.allclose(one[order], other, rtol=1e-9)


def tangent_steps(tensors: list[Tensor], weights: list[float], eps: float) -> Tensor:
    """Multi-SLERP as published, step by step, in float64."""
    stacked, weight = torch.stack(tensors).double(), torch.tensor(weights, dtype=torch.float64)
    weight = weight / weight.sum()
    norms = stacked.norm(dim=1, keepdim=True)
    units = stacked / (norms + eps)
    mean = (units * weight[:, None]).sum(0)
    mean = mean / mean.norm()
    tangents = units - (units @ mean)[:, None] * mean
    tangent = (tangents * weight[:, None]).sum(0)
    length = tangent.norm() + eps
    on_sphere = mean * torch.cos(length) + tangent * torch.sin(length) / length
    return on_sphere * (norms[:, 0] * weight).sum()


@given(seeds, st.sampled_from([1e-8, 1e-3, 0.3]), st.lists(st.floats(0.1, 2), min_size=2, max_size=4))
def test_multislerp_is_its_published_steps(seed: int, eps: float, weights: list[float]) -> None:
    experts = several(len(weights), seed)
    assert near(
        combine(experts, multislerp(gram(experts), weights, eps=eps)), tangent_steps(experts, weights, eps)
    )


def test_multislerp_leaves_out_what_weighs_nothing() -> None:
    experts = several(3, 0)
    merged = multislerp(gram(experts), [0.5, 0.0, 0.5])
    assert merged[1] == 0
    assert torch.allclose(merged[[0, 2]], multislerp(gram(experts[::2]), [0.5, 0.5]))


def test_one_expert_alone_is_kept() -> None:
    assert multislerp(gram(several(1, 0)), [0.3]).tolist() == [1]
    assert karcher(gram(several(1, 0))).tolist() == [1]


def test_directions_that_cancel_are_refused_or_interpolated() -> None:
    one, other = several(2, 0)
    assert multislerp(gram([one, -one]), [1.0, 3.0], normalize_weights=True).tolist() != [0.25, 0.75]
    assert multislerp(gram([one, -3 * one]), [1.0, 1.0]).tolist() == [0.5, 0.5]
    with pytest.raises(CandidateError, match="cancel out"):
        multislerp(gram([one, -2 * one, other]), [1.0, 1.0, 0.0])


def test_weights_that_sum_to_zero_are_refused() -> None:
    with pytest.raises(RecipeError, match="sum to 0"):
        multislerp(gram(several(2, 0)), [1.0, -1.0])


def test_task_vectors_of_zero_add_nothing() -> None:
    base = normal(40)
    assert torch.equal(shift(base, [base] * 3, multislerp(gram([base] * 3, base), [1.0, 1.0, 1.0])), base)


@given(seeds)
def test_a_karcher_mean_is_as_near_to_each_as_to_all(seed: int) -> None:
    experts = [vector / vector.norm() for vector in several(3, seed)]
    mean = combine(experts, karcher(gram(experts), max_iter=200, tol=1e-10)).double()
    angles = [torch.acos(mean @ expert.double()) for expert in experts]
    pulls = [
        angle / torch.sin(angle) * (expert.double() - torch.cos(angle) * mean)
        for angle, expert in zip(angles, experts, strict=True)
    ]
    assert mean.norm().item() == pytest.approx(1, abs=1e-6)
    assert sum(pulls).norm().item() < 1e-5  # type: ignore[union-attr]


def test_a_karcher_mean_of_two_is_halfway() -> None:
    both = [vector / vector.norm() for vector in several(2, 0)]
    assert torch.allclose(karcher(gram(both)), slerp(gram(both), 0.5))


def test_vectors_without_length_only_shorten_a_karcher_mean() -> None:
    one = normal(40)
    assert karcher(gram([one, torch.zeros(40)])).tolist() == pytest.approx([0.5, 0.0])
    assert karcher(gram([torch.zeros(40)] * 2)).tolist() == [0, 0]


def test_antipodes_do_not_blow_a_karcher_mean_up() -> None:
    one = normal(40)
    assert karcher(gram([one, -one])).tolist() == pytest.approx([1, 0])


def test_model_stock_keeps_the_base_of_perpendicular_experts() -> None:
    assert model_stock(torch.eye(3, dtype=torch.float64)).tolist() == [1, 0, 0, 0]


def test_model_stock_takes_the_mean_of_equal_experts() -> None:
    assert model_stock(torch.ones(2, 2, dtype=torch.float64)).tolist() == [0, 0.5, 0.5]


@given(st.floats(-0.2, 1), st.integers(2, 4))
def test_model_stock_follows_its_formula(cosine: float, count: int) -> None:
    matrix = torch.full((count, count), cosine, dtype=torch.float64)
    matrix.fill_diagonal_(1)
    ratio = count * cosine / (1 + (count - 1) * cosine)
    assert model_stock(matrix).tolist() == pytest.approx([1 - ratio, *[ratio / count] * count])


def test_model_stock_keeps_the_base_where_its_ratio_is_singular() -> None:
    assert model_stock(gram([normal(40), -normal(40)])).tolist() == [1, 0, 0]


@pytest.mark.parametrize("spread", [0.014, 0.0014])  # cosines of 0.9999 and 0.999999
def test_nearly_parallel_experts_lose_nothing(spread: float) -> None:
    base = normal(3000)
    experts = [base + spread * normal(3000, seed=i) for i in (1, 2)]
    cosine = torch.nn.functional.cosine_similarity(*(expert.double() for expert in experts), dim=0)
    angle = math.acos(float(cosine))
    wanted = [math.sin(0.3 * angle) / math.sin(angle), math.sin(0.7 * angle) / math.sin(angle)]
    assert nuslerp(gram(experts), [0.3, 0.7]).tolist() == pytest.approx(wanted, rel=1e-14)
    terms = torch.stack([c * expert.double() for c, expert in zip(wanted, experts, strict=True)])
    merged = combine(experts, nuslerp(gram(experts), [0.3, 0.7]))
    roundings = 2.0**-24 * (2 * terms.abs().sum(dim=0) + terms.sum(dim=0).abs())
    assert ((merged.double() - terms.sum(dim=0)).abs() <= 1.001 * roundings).all()
