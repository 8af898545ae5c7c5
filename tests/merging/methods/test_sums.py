from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from merging.methods.sums import BLOCK, LANES, fold, pad_to, total, tree_sum
from merging.statistics.gram import gram, row_gram


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def exact(numbers: Tensor) -> float:
    return math.fsum(numbers.flatten().tolist())


@given(st.lists(st.integers(-(2**40), 2**40), max_size=70))
def test_a_tree_adds_everything_up(numbers: list[int]) -> None:
    assert tree_sum(torch.tensor(numbers, dtype=torch.float64)).item() == sum(numbers)


def test_blocks_are_folded_to_lanes() -> None:
    values = normal(2, 3 * BLOCK).double()
    folded = fold(values)
    assert folded.shape == (2, 3, LANES)
    assert total(tree_sum(folded)).tolist() == pytest.approx([exact(row) for row in values], rel=1e-13)


def test_what_is_not_finite_is_not_a_number() -> None:
    assert total(torch.tensor([[1.0, math.inf, -math.inf], [1.0, 2.0, 3.0]])).isnan().tolist() == [
        True,
        False,
    ]


def test_padding_is_zeros_up_to_a_multiple() -> None:
    assert pad_to(torch.ones(2, 3), 4).tolist() == [[1, 1, 1, 0]] * 2
    assert pad_to(torch.ones(4), 4) is not None
    assert pad_to(torch.ones(4), 4).shape == (4,)


def test_dot_products_are_exact_to_float64() -> None:
    vectors = [normal(1000, 99, seed=i) for i in range(3)]
    found = gram(vectors)
    for i, one in enumerate(vectors):
        for j, other in enumerate(vectors):
            products = one.double() * other.double()
            assert abs(found[i, j].item() - exact(products)) <= 1e-15 * exact(products.abs())


def test_task_vectors_are_differences_in_float32() -> None:
    base, experts = normal(5000), [normal(5000, seed=1), normal(5000, seed=2).bfloat16()]
    deltas = [expert.float() - base for expert in experts]
    assert torch.equal(gram(experts, base), gram(deltas))
    matrices = [delta.reshape(50, 100) for delta in deltas]
    shaped = [expert.reshape(50, 100) for expert in experts]
    assert torch.equal(row_gram(shaped, 0, base.reshape(50, 100)), row_gram(matrices, 0))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_thread_count_changes_a_bit(threads: int) -> None:
    vectors = [normal(700, 301, seed=i) for i in range(3)]
    before = torch.get_num_threads()
    whole, rows = gram(vectors), row_gram(vectors, 0)
    values = normal(3, 8 * BLOCK).double()
    sums = total(tree_sum(fold(values)))
    try:
        torch.set_num_threads(threads)
        assert torch.equal(total(tree_sum(fold(values))), sums)
        assert torch.equal(gram(vectors), whole)
        assert torch.equal(row_gram(vectors, 0), rows)
    finally:
        torch.set_num_threads(before)


def test_no_chunk_size_changes_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = [normal(700, 301, seed=i) for i in range(2)]
    whole, rows = gram(vectors), row_gram(vectors)
    monkeypatch.setattr("merging.statistics.gram._CPU_CHUNK", BLOCK)
    assert torch.equal(gram(vectors), whole)
    assert torch.equal(row_gram(vectors), rows)


@pytest.mark.parametrize(("shape", "dim"), [((5, 7), -1), ((5, 7), 0), ((2, 3, 4), 0), ((6,), 0), ((6,), -1)])
def test_rows_broadcast_against_their_tensor(shape: tuple[int, ...], dim: int) -> None:
    one, other = normal(*shape), normal(*shape, seed=1)
    found = row_gram([one, other], dim)
    wanted = (one.double() * other.double()).sum(dim=dim, keepdim=True)
    assert found.shape == (*wanted.shape, 2, 2)
    assert torch.allclose(found[..., 0, 1], wanted, rtol=1e-12, atol=1e-14)
    assert torch.equal(found[..., 0, 1], found[..., 1, 0])


def test_a_tensor_without_elements_has_no_length() -> None:
    assert gram([torch.empty(0)] * 2).tolist() == [[0, 0], [0, 0]]
