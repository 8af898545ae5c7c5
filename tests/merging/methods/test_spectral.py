from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.methods.spectral import Factors, add_parts, decompose, iso_c, tsv, whiten

SHAPES = [(12, 12), (20, 7), (5, 33)]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def several(count: int, seed: int, *shape: int) -> list[Tensor]:
    return [normal(*shape, seed=seed + i) for i in range(count)]


def merge(deltas: list[Tensor], weights: list[float], scale: float = 1.0) -> Tensor:
    """TSV-Merge of task vectors over a base of zeros."""
    active = [i for i, weight in enumerate(weights) if weight != 0]
    parts = tsv([deltas[i] for i in active])
    return add_parts(torch.zeros_like(deltas[0]), parts, torch.tensor([scale * weights[i] for i in active]))


def published_tsv(deltas: list[Tensor], weights: list[float]) -> Tensor:
    """TSV-Merge as in the paper: weigh, decompose, cut, set side by side, whiten, multiply. float64."""
    us, ss, vs = [], [], []
    for delta, weight in zip(deltas, weights, strict=True):
        u, s, v = torch.linalg.svd(delta.double() * weight, full_matrices=False)
        k = len(s) // len(deltas)
        us.append(u[:, :k])
        ss.append(s[:k])
        vs.append(v[:k])
    left, _, left_v = torch.linalg.svd(torch.cat(us, dim=1), full_matrices=False)
    right, _, right_v = torch.linalg.svd(torch.cat(vs), full_matrices=False)
    return left @ left_v @ torch.diag(torch.cat(ss)) @ right @ right_v


def near(a: Tensor, b: Tensor, tolerance: float = 2e-6) -> bool:
    return bool((a.double() - b.double()).norm() <= tolerance * b.double().norm() + 1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@given(weights=st.lists(st.floats(0.1, 2) | st.floats(-2, -0.1), min_size=2, max_size=4))
@settings(max_examples=20)
def test_tsv_is_as_published(shape: tuple[int, int], weights: list[float]) -> None:
    deltas = several(len(weights), 0, *shape)
    assert near(merge(deltas, weights), published_tsv(deltas, weights))


def test_one_task_vector_is_kept_whole() -> None:
    delta = normal(9, 14)
    assert torch.equal(merge([delta], [1.0]), delta)
    assert near(merge([delta, normal(9, 14, seed=1)], [0.5, 0.0], 2.0), delta)


def test_experts_without_weight_take_no_part() -> None:
    deltas = several(3, 0, 9, 14)
    assert torch.equal(merge(deltas, [0.5, 0.0, 1.0]), merge(deltas[::2], [0.5, 1.0]))
    assert torch.equal(iso_c(deltas, [0.5, 0.0, 1.0]), iso_c(deltas[::2], [0.5, 1.0]))
    assert not iso_c(deltas, [0.0, 0.0, 0.0]).any()


@given(st.permutations(range(3)), st.sampled_from(SHAPES))
@settings(max_examples=20)
def test_experts_come_in_any_order(order: list[int], shape: tuple[int, int]) -> None:
    deltas, weights = several(3, 0, *shape), [0.5, -0.3, 1.2]
    mixed, shuffled = [deltas[i] for i in order], [weights[i] for i in order]
    assert near(merge(mixed, shuffled), merge(deltas, weights))
    assert near(iso_c(mixed, shuffled), iso_c(deltas, weights))


def test_signs_of_singular_vectors_do_not_matter() -> None:
    factors = [decompose(delta) for delta in several(2, 0, 12, 12)]
    signs = torch.where(torch.arange(6) % 2 == 0, 1.0, -1.0).double()
    flipped = [Factors(f.u * signs, f.s, signs[:, None] * f.vh, f.full) for f in factors]
    for one, other in zip(whiten(factors), whiten(flipped), strict=True):
        assert near(one, other, 1e-7)


def test_perpendicular_task_vectors_are_summed_unchanged() -> None:
    one, other = torch.zeros(8, 8), torch.zeros(8, 8)
    one[:4, :4], other[4:, 4:] = normal(4, 4), normal(4, 4, seed=1)
    assert near(merge([one, other], [1.0, 0.5]), one + 0.5 * other)


def test_equal_task_vectors_leave_their_strongest_half() -> None:
    delta = normal(10, 10)
    u, s, v = torch.linalg.svd(delta.double())
    half = (u[:, :5] * s[:5]) @ v[:5]
    assert near(merge([delta, delta], [0.5, 0.5]), half / 2)


def test_a_task_vector_of_zeros_changes_nothing_but_the_rank() -> None:
    delta = normal(10, 10)
    u, s, v = torch.linalg.svd(delta.double())
    assert near(merge([delta, torch.zeros(10, 10)], [1.0, 1.0]), (u[:, :5] * s[:5]) @ v[:5])
    assert not merge([torch.zeros(10, 10)] * 2, [1.0, 1.0]).any()


def test_a_task_vector_of_low_rank_brings_no_directions_of_its_own() -> None:
    deltas = [normal(12, 1, seed=i) @ torch.eye(1, 12) for i in (1, 2)]
    assert [len(decompose(delta).s) for delta in deltas] == [1, 1]
    assert torch.linalg.matrix_rank(merge(deltas, [1.0, 1.0])) == 1


def test_narrow_matrices_keep_one_direction_each() -> None:
    assert near(merge([normal(1, 9), normal(1, 9, seed=1)], [1.0, 1.0]).norm(), _row_tsv().norm())


def _row_tsv() -> Tensor:
    """TSV-Merge of two rows: left vectors [1, 1] become (1, 1) / sqrt(2), right ones are made orthonormal."""
    rows = torch.cat([normal(1, 9), normal(1, 9, seed=1)]).double()
    norms = rows.norm(dim=1)
    u, _, v = torch.linalg.svd(rows / norms[:, None], full_matrices=False)
    return (norms / 2**0.5) @ (u @ v)


def test_what_is_not_a_matrix_is_averaged() -> None:
    deltas = several(2, 0, 11)
    assert torch.allclose(merge(deltas, [1.0, 0.5], 2.0), (deltas[0] + 0.5 * deltas[1]))
    assert torch.allclose(iso_c(deltas, [1.0, 0.5]), (deltas[0] + 0.5 * deltas[1]) / 2)
    assert torch.allclose(iso_c([*deltas, normal(11)], [1.0, 0.5, 0.0]), (deltas[0] + 0.5 * deltas[1]) / 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_iso_c_makes_all_singular_values_their_mean(shape: tuple[int, int]) -> None:
    deltas, weights = several(3, 0, *shape), [0.5, -0.3, 1.2]
    total = sum(weight * delta.double() for weight, delta in zip(weights, deltas, strict=True))
    u, s, v = torch.linalg.svd(total, full_matrices=False)
    merged = iso_c(deltas, weights)
    assert near(merged, u @ torch.diag(s.mean().expand(len(s))) @ v)
    assert torch.linalg.svdvals(merged.double()).tolist() == pytest.approx(
        [s.mean().item()] * len(s), rel=1e-6
    )


@given(st.floats(0.01, 100))
@settings(max_examples=20)
def test_scaling_task_vectors_scales_the_merge(factor: float) -> None:
    deltas = several(2, 0, 12, 12)
    scaled = [delta.double() * factor for delta in deltas]
    assert near(merge(scaled, [1.0, 0.5]), factor * merge(deltas, [1.0, 0.5]).double())
    assert near(iso_c(scaled, [1.0, 0.5]), factor * iso_c(deltas, [1.0, 0.5]).double())


def test_directions_of_nothing_stay_nothing_in_iso_c() -> None:
    delta = normal(6, 1) @ torch.eye(1, 6)
    assert near(iso_c([delta], [1.0]), delta / 6)
    assert not iso_c([torch.zeros(6, 6)], [1.0]).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_no_thread_count_changes_a_bit(threads: int) -> None:
    deltas = several(2, 0, 150, 130)
    parts, even = tsv(deltas), iso_c(deltas, [0.5, 0.7])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert all(torch.equal(one, other) for one, other in zip(tsv(deltas), parts, strict=True))
        assert torch.equal(iso_c(deltas, [0.5, 0.7]), even)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_parts_are_added_in_order() -> None:
    base, parts = normal(20), several(2, 1, 20)
    merged = add_parts(base.bfloat16(), parts, torch.tensor([0.5, -2.0]))
    assert torch.equal(merged, base.bfloat16().float() + (parts[0] * 0.5 + parts[1] * -2.0))
