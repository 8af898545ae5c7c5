"""The order of a tensor's magnitudes, in both of its forms, against a plain sort."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.statistics.magnitudes import Order, order_of

FEW = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=80)
ANY = st.lists(st.floats(0, 2.0**100, width=32), min_size=1, max_size=80)


def made(values: Sequence[float], chunk: int = 1000) -> Order:
    """The order of these magnitudes, given in chunks."""
    return order_of(torch.split(torch.tensor(values, dtype=torch.float32), chunk), len(values))


def assert_sorted(order: Order, magnitudes: Tensor) -> None:
    """Every answer is that of a sort, as ranks go down."""
    ordered = magnitudes.sort(descending=True).values
    assert order.n == len(ordered)
    assert order.l1(0) == 0.0
    for rank in range(1, order.n + 1):
        value = ordered[rank - 1]
        reaching, above = int((ordered >= value).sum()), int((ordered > value).sum())
        assert order.value(rank) == value
        assert order.reaching(rank) == reaching
        assert order.above(rank) == above
        assert order.l1(reaching) == pytest.approx(float(ordered[:reaching].double().sum()), rel=1e-12)
        assert order.l1(above) == pytest.approx(float(ordered[:above].double().sum()), rel=1e-12)


def runs(order: Order) -> bool:
    """Whether equal magnitudes are kept once."""
    return order.counts is not None


def test_ranks_go_down_from_the_largest() -> None:
    order = made([2.0, 5.0, 2.0, 0.0, 1.0])
    assert [order.value(rank) for rank in range(1, 6)] == [5, 2, 2, 1, 0]
    assert [order.reaching(rank) for rank in range(1, 6)] == [1, 3, 3, 4, 5]
    assert [order.above(rank) for rank in range(1, 6)] == [0, 1, 1, 3, 4]
    assert [order.l1(count) for count in (0, 1, 3, 4, 5)] == [0, 5, 9, 10, 10]


@given(FEW | ANY, st.integers(1, 80))
def test_every_answer_is_that_of_a_sort(values: list[float], chunk: int) -> None:
    assert_sorted(made(values, chunk), torch.tensor(values, dtype=torch.float32))


def test_one_element_is_its_own_order() -> None:
    assert_sorted(made([3.0]), torch.tensor([3.0]))
    assert_sorted(made([0.0]), torch.tensor([0.0]))


def test_equal_elements_are_one_run() -> None:
    order = made([0.5] * 40)
    assert order.values.tolist() == [0.5]
    assert_sorted(order, torch.full((40,), 0.5))


def test_bfloat16_differences_are_kept_as_runs() -> None:
    base = torch.randn(20_000, generator=torch.Generator().manual_seed(0)).mul(0.02).bfloat16()
    expert = (base + 0.002 * torch.randn(20_000, generator=torch.Generator().manual_seed(1))).bfloat16()
    magnitudes = (expert.float() - base.float()).abs()
    order = order_of([magnitudes], len(magnitudes))
    assert runs(order)
    assert len(order.values) == len(set(magnitudes.tolist()))
    ordered = magnitudes.sort(descending=True).values
    assert all(order.value(rank) == ordered[rank - 1] for rank in range(1, 20_001, 97))


def test_magnitudes_that_mostly_differ_are_kept_one_by_one() -> None:
    magnitudes = torch.rand(500, generator=torch.Generator().manual_seed(0)).float()
    magnitudes[100:150] = magnitudes[7]
    order = order_of(torch.split(magnitudes, 64), 500)
    assert not runs(order)
    assert_sorted(order, magnitudes)


@pytest.mark.parametrize("first", ["few", "many"])
def test_the_first_chunk_decides_the_form_and_nothing_else(first: str) -> None:
    few = torch.tensor([1.0, 2.0]).repeat(32)
    many = torch.rand(64, generator=torch.Generator().manual_seed(0))
    chunks = [few, many, few] if first == "few" else [many, few, many]
    order = order_of(chunks, 192)
    assert runs(order) == (first == "few")
    assert_sorted(order, torch.cat(chunks))


@given(FEW | ANY)
@settings(max_examples=30)
def test_a_file_gives_the_same_order_back(values: list[float]) -> None:
    order = made(values)
    back = Order.from_tensors(order.to_tensors(), order.n)
    assert runs(back) == runs(order)
    assert_sorted(back, torch.tensor(values, dtype=torch.float32))


def test_an_order_that_is_read_shares_the_tensors_memory() -> None:
    tensors = made([1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]).to_tensors()
    back = Order.from_tensors(tensors, 8)
    tensors["values"][0] = 7.0
    assert back.value(1) == 7.0


def test_a_rank_beyond_the_tensor_is_our_own_mistake() -> None:
    order = made([1.0, 2.0])
    for rank in (0, 3):
        with pytest.raises(AssertionError, match=f"rank {rank} of 2"):
            order.value(rank)
