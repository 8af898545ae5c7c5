from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.methods import METHODS
from merging.operators import average, combine, drop, elect, keep_largest, kept_count, match_l1, merge_tensor
from merging.recipe import Parameters


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def same_bits(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a.view(torch.int32), b.view(torch.int32))


def test_the_base_alone_keeps_every_bit() -> None:
    base = torch.tensor([1.5, -0.0, 0.0, 1e-30])
    for name in ("task_arithmetic", "ties", "dare_ties"):
        parameters = Parameters((0.0, 0.0), (0.5, 1.0), normalize=True, rescale=True)
        merged = merge_tensor(METHODS[name], base, [normal(4), normal(4, seed=1)], parameters, (1, 2))
        assert same_bits(merged, base)


def test_an_expert_alone_keeps_every_bit() -> None:
    expert = torch.tensor([1.5, -0.0, 0.0, 1e-30])
    parameters = Parameters((0.0, 1.0, 0.0), (1.0,) * 3, normalize=True)
    merged = merge_tensor(METHODS["linear"], normal(4), [normal(4), expert, normal(4)], parameters, (0, 0, 0))
    assert same_bits(merged, expert)


def test_an_average_is_weighted_and_normalized() -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([5.0, -2.0])
    assert average([x, y], [3.0, 1.0], normalize=True).tolist() == [2.0, 1.0]
    assert average([x, y], [3.0, 1.0], normalize=False).tolist() == [8.0, 4.0]


def test_trimming_keeps_the_largest_magnitudes() -> None:
    delta = torch.tensor([0.1, -0.9, 0.5, 0.2])
    assert keep_largest(delta, 0.5).tolist() == [0.0, *delta[1:3].tolist(), 0.0]


def test_ties_at_the_cut_are_kept_whole() -> None:
    delta = torch.tensor([1.0, -1.0, 3.0, 1.0, 0.5])
    assert keep_largest(delta, 0.4).tolist() == [1.0, -1.0, 3.0, 1.0, 0.0]
    assert kept_count(delta, 0.4) == 4


def test_at_least_one_element_is_kept() -> None:
    assert keep_largest(torch.tensor([0.5, 2.0]), 0.01).tolist() == [0.0, 2.0]


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=40), st.floats(0.01, 1.0), st.randoms())
@settings(deadline=None)
def test_trimming_depends_on_no_order(values: list[int], density: float, random: st.Random) -> None:  # type: ignore[name-defined]
    delta = torch.tensor(values, dtype=torch.float32)
    order = list(range(len(values)))
    random.shuffle(order)
    assert torch.equal(keep_largest(delta, density)[order], keep_largest(delta[order], density))


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=40), st.floats(0.01, 0.999))
@settings(deadline=None)
def test_trimming_keeps_what_was_asked_and_nothing_smaller_than_what_it_drops(
    values: list[int], density: float
) -> None:
    delta = torch.tensor(values, dtype=torch.float32)
    count = kept_count(delta, density)
    smallest_kept = delta.abs().sort(descending=True).values[count - 1]
    assert count >= max(1, int(density * len(values)))
    assert count == int((delta.abs() >= smallest_kept).sum())


def test_the_elected_sign_is_that_of_the_sum() -> None:
    masks = elect([torch.tensor([2.0, -1.0, 1.0, 0.0]), torch.tensor([-1.0, -1.0, -1.0, 0.0])])
    assert [mask.tolist() for mask in masks] == [[True, True, True, False], [False, True, False, False]]


def test_consensus_averages_over_those_that_agree() -> None:
    x, y = torch.tensor([2.0, 4.0, 0.0]), torch.tensor([-1.0, 2.0, 0.0])
    assert combine([x, y], [0.5, 0.5], consensus=True, normalize=True).tolist() == [2.0, 3.0, 0.0]
    assert combine([x, y], [0.5, 0.5], consensus=True, normalize=False).tolist() == [1.0, 3.0, 0.0]


def test_without_consensus_weights_of_sum_zero_do_not_divide() -> None:
    x = torch.tensor([2.0])
    assert combine([x, x + 1], [0.5, -0.5], consensus=False, normalize=True).tolist() == [-0.5]
    assert combine([x, x + 1], [1.0, 3.0], consensus=False, normalize=True).tolist() == [2.75]


def test_lambda_scales_the_merged_sum() -> None:
    base, expert = normal(8), normal(8, seed=1)
    merged = merge_tensor(
        METHODS["task_arithmetic"], base, [expert], Parameters((1.0,), (1.0,), lambda_=0.5), (0,)
    )
    assert torch.allclose(merged, (base + expert) / 2)


def test_rescaling_restores_the_l1_norm() -> None:
    delta = normal(40_000)
    kept = drop(delta, 0.1, key=7)
    assert torch.isclose(match_l1(delta, kept).abs().sum(), delta.abs().sum(), rtol=1e-5)


def test_nothing_is_rescaled_where_nothing_was_kept() -> None:
    nothing = torch.zeros(3)
    assert torch.equal(match_l1(normal(3), nothing), nothing)


def test_thinning_keeps_the_asked_share_unchanged() -> None:
    delta = normal(100_000)
    kept = drop(delta, 0.3, key=1)
    assert abs(int((kept != 0).sum()) / 100_000 - 0.3) < 0.01
    assert torch.equal(kept[kept != 0], delta[kept != 0])


def test_threads_change_no_bit() -> None:
    base, experts = normal(300, 300), [normal(300, 300, seed=i) for i in (1, 2, 3)]
    parameters = Parameters((0.3, 0.5, -0.2), (0.3, 0.6, 1.0), 0.9, True, True)
    threads = torch.get_num_threads()
    try:
        for name in METHODS:
            merged = []
            for count in (1, 4):
                torch.set_num_threads(count)
                merged.append(merge_tensor(METHODS[name], base, experts, parameters, (1, 2, 3)))
            assert same_bits(*merged)
    finally:
        torch.set_num_threads(threads)
