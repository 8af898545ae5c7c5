"""The task-arithmetic family's kernels, worked out by hand: whole numbers, so that nothing is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.methods.masks import ONE, keep_mask, mask_key, uniform24, words
from merging.methods.operators import (
    CHANCE,
    DIVISOR,
    FACTOR,
    FIELDS,
    HIGH,
    KEY_HIGH,
    KEY_LOW,
    LAMBDA,
    LEAST_WEIGHT,
    LOW,
    RANKS,
    SPREAD,
    WEIGHT,
    WORDS,
    Average,
    TaskVectors,
    add,
)

INFINITY = float("inf")
BASE = torch.tensor([10.0, 20.0, 30.0, 40.0])
A = BASE + torch.tensor([4.0, -2.0, 1.0, 0.0])
B = BASE + torch.tensor([-1.0, -6.0, 3.0, 0.0])
KEYS = (mask_key(0, "tensor", "a"), mask_key(0, "tensor", "b"))


def normal(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed))


def numbers(weights: Sequence[float], **rows: Sequence[float] | float) -> Tensor:
    """A kernel's numbers: these weights, and other rows by name; else such that nothing is felt."""
    table = torch.zeros(FIELDS, len(weights))
    values = {"factor": 1.0, "high": INFINITY, "lambda_": 1.0, "divisor": 1.0, **rows}
    places = {"factor": FACTOR, "low": LOW, "high": HIGH, "lambda_": LAMBDA, "divisor": DIVISOR}
    for name, value in {**values, "weight": weights}.items():
        table[{**places, "weight": WEIGHT}[name]] = torch.tensor(value)
    return table


def drawing(
    chances: Sequence[float], spreads: Sequence[float] = (0.0, 0.0), keys: Sequence[int] = KEYS
) -> Tensor:
    """A kernel's whole numbers, for chances to be kept and what each of 255 ranks adds to them."""
    table = torch.zeros(WORDS, len(chances), dtype=torch.int32)
    for i, (chance, spread) in enumerate(zip(chances, spreads, strict=False)):
        table[KEY_LOW, i], table[KEY_HIGH, i] = words(keys[i])
        table[CHANCE, i], table[SPREAD, i] = round(chance * ONE), round(spread * ONE)
    return table


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype == torch.float32 and torch.equal(a.view(torch.int32), b.view(torch.int32))


def test_a_sum_is_taken_from_the_left() -> None:
    terms = [torch.tensor([value]) for value in (1.0, 2.0**-24, 2.0**-24)]
    assert add(terms).item() == 1.0
    assert add(terms[::-1]).item() == 1.0 + 2.0**-23


def test_an_average_is_weighted_and_normalized() -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([5.0, -2.0])
    assert Average(normalize=True)(x, y, numbers=numbers([3.0, 1.0], divisor=4.0)).tolist() == [2.0, 1.0]
    assert Average(normalize=False)(x, y, numbers=numbers([3.0, 1.0], divisor=4.0)).tolist() == [8.0, 4.0]


def test_an_average_of_bfloat16_is_not_rounded_to_it() -> None:
    x, y = torch.tensor([1.0]).bfloat16(), torch.tensor([1.0 + 2**-7]).bfloat16()
    assert Average(normalize=True)(x, y, numbers=numbers([1.0, 1.0], divisor=2.0)).item() == 1 + 2**-8


def test_task_vectors_are_weighted_and_added_to_the_base() -> None:
    merged = TaskVectors(2)(BASE, A, B, numbers=numbers([0.5, 2.0]))
    assert merged.tolist() == [10 + 2 - 2, 20 - 1 - 12, 30 + 0.5 + 6, 40]


def test_lambda_scales_the_merged_sum() -> None:
    assert TaskVectors(1)(BASE, A, numbers=numbers([1.0], lambda_=0.5)).tolist() == [12, 19, 30.5, 40]


def test_normalizing_divides_the_sum_by_one_number() -> None:
    merged = TaskVectors(2, normalize=True)(BASE, A, B, numbers=numbers([1.0, 3.0], divisor=4.0))
    assert merged.tolist() == [10.25, 15, 32.5, 40]


def test_factors_scale_task_vectors_only_where_rescaled() -> None:
    given = numbers([1.0], factor=2.0)
    assert TaskVectors(1, rescale=True)(BASE, A, numbers=given).tolist() == [18, 16, 32, 40]
    assert TaskVectors(1)(BASE, A, numbers=given).tolist() == A.tolist()


def test_magnitudes_from_the_threshold_on_are_kept() -> None:
    merged = TaskVectors(1, sparsifier="magnitude")(BASE, A, numbers=numbers([1.0], low=2.0))
    assert merged.tolist() == [14, 18, 30, 40]


def test_each_expert_has_its_own_threshold() -> None:
    merged = TaskVectors(2, sparsifier="magnitude")(BASE, A, B, numbers=numbers([1.0, 1.0], low=[4.0, 3.0]))
    assert merged.tolist() == [14, 14, 33, 40]


def test_outliers_are_dropped_at_both_ends() -> None:
    kernel = TaskVectors(1, sparsifier="outliers")
    assert kernel(BASE, A, numbers=numbers([1.0], low=1.0, high=2.0)).tolist() == [10, 18, 31, 40]
    assert kernel(BASE, A, numbers=numbers([1.0], low=2.0, high=1.0)).tolist() == BASE.tolist()


def test_a_sparsifier_that_drops_nothing_changes_nothing() -> None:
    plain = TaskVectors(2)(BASE, A, B, numbers=numbers([0.3, 0.7]))
    assert same_bits(TaskVectors(2, "magnitude")(BASE, A, B, numbers=numbers([0.3, 0.7])), plain)
    assert same_bits(TaskVectors(2, "outliers")(BASE, A, B, numbers=numbers([0.3, 0.7])), plain)
    first, given = torch.tensor(0, dtype=torch.int32), numbers([0.3, 0.7])
    thinned = TaskVectors(2, "bernoulli")(BASE, A, B, numbers=given, words=drawing([1.0, 1.0]), first=first)
    assert same_bits(thinned, plain)


def test_draws_are_those_of_the_experts_mask() -> None:
    base, first = torch.zeros(1000), torch.tensor(0, dtype=torch.int32)
    experts = [normal(1000, seed) for seed in (1, 2)]
    kernel, chances = TaskVectors(2, sparsifier="bernoulli"), [0.3, 0.8]
    merged = kernel(base, *experts, numbers=numbers([1.0, 1.0]), words=drawing(chances), first=first)
    masks = [keep_mask(key, 1000, chance) for key, chance in zip(KEYS, chances, strict=True)]
    assert torch.equal(merged, add([e * mask for e, mask in zip(experts, masks, strict=True)]))


def test_chances_rise_with_the_rank() -> None:
    base, expert = torch.zeros(1000), normal(1000)
    ranks = (torch.arange(1000) % (RANKS + 1)).int()
    drawn = drawing([0.2], [0.6 / RANKS])
    merged = TaskVectors(1, sparsifier="magprune")(
        base, expert, ranks, numbers=numbers([1.0]), words=drawn, first=torch.tensor(0, dtype=torch.int32)
    )
    chance = drawn[CHANCE, 0] + ranks * drawn[SPREAD, 0]
    assert torch.equal(merged, expert * (uniform24(KEYS[0], 1000) < chance))
    kept = merged != 0
    assert kept[ranks < 64].float().mean() < 0.4 < 0.6 < kept[ranks >= 192].float().mean()


def test_ranks_of_four_experts_share_a_number() -> None:
    base, first = torch.zeros(1000), torch.tensor(0, dtype=torch.int32)
    experts = [normal(1000, seed) for seed in range(5)]
    ranks = [torch.randperm(1000, generator=torch.Generator().manual_seed(i)).int() % 256 for i in range(5)]
    packed = [ranks[0] | ranks[1] << 8 | ranks[2] << 16 | ranks[3] << 24, ranks[4]]
    drawn = drawing([0.2] * 5, [0.6 / RANKS] * 5, [mask_key(0, "tensor", name) for name in "abcde"])

    def alone(i: int) -> Tensor:
        words = drawn[:, i : i + 1]
        kernel = TaskVectors(1, sparsifier="magprune")
        return kernel(base, experts[i], ranks[i], numbers=numbers([1.0]), words=words, first=first)

    kernel = TaskVectors(5, sparsifier="magprune")
    merged = kernel(base, *experts, *packed, numbers=numbers([1.0] * 5), words=drawn, first=first)
    assert torch.equal(merged, add([alone(i) for i in range(5)]))


def test_no_draw_is_made_without_a_key() -> None:
    with pytest.raises(AssertionError, match="nothing to draw with"):
        TaskVectors(1, sparsifier="bernoulli")(BASE, A, numbers=numbers([1.0]))


def test_only_what_has_the_sign_of_the_sum_is_summed() -> None:
    merged = TaskVectors(2, consensus=True)(BASE, A, B, numbers=numbers([1.0, 1.0]))
    assert merged.tolist() == [14, 12, 34, 40]


def test_weights_vote_with_their_sign() -> None:
    merged = TaskVectors(2, consensus=True)(BASE, A, B, numbers=numbers([1.0, -1.0]))
    assert merged.tolist() == [15, 26, 27, 40]


def test_a_sum_of_zero_elects_plus() -> None:
    base, x = torch.zeros(2), torch.tensor([3.0, -3.0])
    assert TaskVectors(2, consensus=True)(base, x, -x, numbers=numbers([1.0, 1.0])).tolist() == [3, 3]


@pytest.mark.parametrize("cancels", [False, True])
def test_normalized_consensus_divides_by_the_weights_that_agree(cancels: bool) -> None:
    kernel = TaskVectors(2, consensus=True, normalize=True, cancels=cancels)
    assert kernel(BASE, A, B, numbers=numbers([1.0, 3.0], divisor=9.0)).tolist() == [14, 15, 32.5, 40]


def test_weights_that_cancel_divide_by_one() -> None:
    kernel = TaskVectors(2, consensus=True, normalize=True, cancels=True)
    base, x = torch.zeros(2), torch.tensor([2.0, 4.0])
    assert kernel(base, x, -x, numbers=numbers([1.0, -1.0])).tolist() == [4, 8]


def test_what_was_dropped_has_no_vote() -> None:
    kernel = TaskVectors(2, sparsifier="magnitude", consensus=True, normalize=True)
    assert kernel(BASE, A, B, numbers=numbers([1.0, 1.0], low=[4.0, 3.0])).tolist() == [14, 14, 33, 40]


def test_a_zero_weight_changes_no_bit() -> None:
    base, a, b = (normal(500, seed) for seed in range(3))
    for kernel in (
        TaskVectors(2),
        TaskVectors(2, consensus=True),
        TaskVectors(2, consensus=True, normalize=True),
        TaskVectors(2, sparsifier="magnitude", consensus=True, normalize=True, rescale=True),
        TaskVectors(2, consensus=True, normalize=True, cancels=True),
        TaskVectors(2, normalize=True),
    ):
        both = kernel(base, a, b, numbers=numbers([0.4, 0.0], low=0.5, divisor=0.4, factor=1.2))
        one = replace(kernel, experts=1)(base, a, numbers=numbers([0.4], low=0.5, divisor=0.4, factor=1.2))
        assert same_bits(both, one), kernel


@given(st.lists(st.sampled_from((-1.5, -0.7, -0.2, 0.1, 0.3, 0.4, 0.9, 1.1)), min_size=2, max_size=4))
def test_looking_at_the_divisor_matters_only_where_weights_cancel(weights: list[float]) -> None:
    subsets = (some for k in range(2, len(weights) + 1) for some in combinations(weights, k))
    assume(all(abs(sum(some)) > 1e-6 for some in subsets))
    base, *experts = (normal(400, seed).bfloat16() for seed in range(len(weights) + 1))
    kernel = TaskVectors(len(weights), sparsifier="magnitude", consensus=True, normalize=True)
    given = numbers(weights, low=0.9)
    careful = replace(kernel, cancels=True)
    assert same_bits(kernel(base, *experts, numbers=given), careful(base, *experts, numbers=given))
    if min(weights) > 0:
        faster = replace(kernel, positive=True)
        assert same_bits(kernel(base, *experts, numbers=given), faster(base, *experts, numbers=given))


@given(st.lists(st.floats(LEAST_WEIGHT, 4, width=32), min_size=2, max_size=4), st.integers(0, 1000))
def test_positive_weights_are_summed_exactly(weights: list[float], seed: int) -> None:
    """However small: of weights, of task vectors, and where nobody has changed anything."""
    base, *experts = (normal(400, seed + i).mul(2.0**-20).bfloat16() for i in range(len(weights) + 1))
    experts = [torch.where(normal(400, seed - i) > 0.5, base, expert) for i, expert in enumerate(experts)]
    kernel = TaskVectors(len(weights), consensus=True, normalize=True)
    faster, given = replace(kernel, positive=True), numbers(weights)
    assert same_bits(kernel(base, *experts, numbers=given), faster(base, *experts, numbers=given))


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=4).map(sorted), st.integers(0, 2**31 - 3001))
@settings(max_examples=30)
@pytest.mark.parametrize("sparsifier", [None, "magnitude", "outliers", "bernoulli", "magprune"])
def test_parts_are_merged_as_the_whole(sparsifier: str | None, cuts: list[int], offset: int) -> None:
    kernel = TaskVectors(2, sparsifier, consensus=True, normalize=True, rescale=True)  # type: ignore[arg-type]
    tensors = [normal(3000, seed).bfloat16() for seed in range(3)]
    if sparsifier == "magprune":
        tensors.append((normal(3000, seed=3).abs() * 20_000).int())  # of both experts
    given = numbers([0.4, 0.7], factor=[1.1, 1.7], low=[0.3, 0.8], high=2.0)
    drawn = drawing([0.3, 0.5], [1e-3, 2e-3]) if kernel.random else None

    def part(start: int, stop: int) -> Tensor:
        first = torch.tensor(offset + start, dtype=torch.int32) if kernel.random else None
        return kernel(*(tensor[start:stop] for tensor in tensors), numbers=given, words=drawn, first=first)

    edges = [0, *cuts, 3000]
    parts = [part(start, stop) for start, stop in pairwise(edges)]
    assert same_bits(torch.cat(parts), part(0, 3000))
