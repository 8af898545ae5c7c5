"""Statistics of models' tensors: plain formulas, made once per content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from merging.methods.operators import RANKS
from merging.methods.selection import divergence, importance, importance_threshold
from merging.methods.spectral import tsv
from merging.statistics import known as made_of
from merging.statistics.cache import StatisticsCache
from merging.statistics.known import SMALL, Statistics, TensorSet

SHAPE = (40, 150)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def family(
    *shape: int, experts: int = 2, dtype: torch.dtype = torch.bfloat16, names: str = "abc"
) -> TensorSet:
    """Fine-tunes of one tensor, which its content's name stands for."""
    base = normal(*shape, scale=0.02)
    tuned = [(base + normal(*shape, seed=i + 1, scale=0.002)).to(dtype) for i in range(experts)]
    return TensorSet(base.to(dtype), tuple(tuned), "base", tuple(names[:experts]))


def statistics(folder: Path) -> Statistics:
    return Statistics(StatisticsCache(folder))


def deltas(tensors: TensorSet) -> list[Tensor]:
    return [expert.float() - tensors.base.float() for expert in tensors.experts]


@pytest.fixture
def fresh(tmp_path: Path) -> Statistics:
    return statistics(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_magnitudes_are_those_of_the_float32_task_vector(fresh: Statistics, dtype: torch.dtype) -> None:
    tensors = family(*SHAPE, dtype=dtype)
    for i, delta in enumerate(deltas(tensors)):
        ordered = delta.abs().flatten().sort(descending=True).values
        order = fresh.magnitudes(tensors, i)
        assert [order.value(rank) for rank in (1, 600, 6000)] == ordered[[0, 599, 5999]].tolist()
        assert order.l1(6000) == pytest.approx(float(ordered.double().sum()), rel=1e-12)


def test_mixed_dtypes_lose_nothing(fresh: Statistics) -> None:
    tensors = replace(family(500, dtype=torch.float32), base=normal(500).bfloat16())
    order, delta = fresh.magnitudes(tensors, 0), deltas(tensors)[0]
    assert order.value(250) == delta.abs().sort(descending=True).values[249]


def test_gram_is_of_what_was_asked_for(fresh: Statistics) -> None:
    tensors = family(*SHAPE)
    experts = [expert.double() for expert in tensors.experts]
    vectors = {
        "experts": experts,
        "task vectors": [delta.double() for delta in deltas(tensors)],
        "all": [tensors.base.double(), *experts],
    }
    for of, plain in vectors.items():
        stacked = torch.stack(plain)
        whole = stacked.flatten(1) @ stacked.flatten(1).T
        assert torch.allclose(fresh.gram(tensors, of=of), whole, rtol=1e-12)
        rows = torch.einsum("irc,jrc->rij", stacked, stacked).unsqueeze(1)
        columns = torch.einsum("irc,jrc->cij", stacked, stacked).unsqueeze(0)
        assert torch.allclose(fresh.gram(tensors, of=of, axis=-1), rows, rtol=1e-12)
        assert torch.allclose(fresh.gram(tensors, of=of, axis=0), columns, rtol=1e-12)


def test_variances_are_between_task_vectors(fresh: Statistics) -> None:
    tensors = family(*SHAPE, experts=3)
    plain = torch.stack(deltas(tensors)).double().var(dim=0, unbiased=False).float().flatten()
    order = fresh.variances(tensors)
    assert torch.equal(order.variances, plain)
    assert torch.equal(plain[torch.from_numpy(order.places).long()], plain.sort(descending=True).values)
    assert order.nonzero == int((plain > 0).sum())


def test_importance_is_arcee_fusions(fresh: Statistics) -> None:
    tensors = family(*SHAPE, experts=1)
    rows, threshold = fresh.importance(tensors)
    assert torch.equal(rows, divergence(tensors.base, tensors.experts[0]))
    weighed = importance(tensors.base, tensors.experts[0], rows)
    assert torch.equal(threshold, importance_threshold(weighed))


def test_tsv_parts_are_those_of_the_experts_together(fresh: Statistics) -> None:
    tensors = family(20, 30, experts=3)
    for part, plain in zip(fresh.tsv_parts(tensors), tsv(deltas(tensors)), strict=True):
        assert torch.equal(part, plain)


def test_peaks_are_the_largest_magnitudes(fresh: Statistics) -> None:
    model = {"a": torch.tensor([1.0, -3.0]).bfloat16(), "b": torch.zeros(0), "c": torch.tensor([[2.0]])}
    assert fresh.peaks(model.items(), "model", 3) == {"a": 3.0, "b": 0.0, "c": 2.0}


def ranks_of(delta: Tensor) -> Tensor:
    """Places in ascending order within each row, spread over 0 to RANKS and rounded."""
    rows = delta.abs().reshape(-1, delta.shape[-1])
    ranks = torch.zeros_like(rows, dtype=torch.float64)
    for row, rank in zip(rows, ranks, strict=True):
        rank[row.sort(stable=True).indices] = torch.arange(len(row), dtype=torch.float64)
    return (ranks * RANKS / max(rows.shape[1] - 1, 1) + 0.5).floor().flatten()


@pytest.mark.parametrize("shape", [(1,), (7,), (300,), (5, 1), (3, 4), (40, 300), (2, 3, 50)])
def test_ranks_spread_each_row_from_the_smallest_to_the_largest(
    fresh: Statistics, shape: tuple[int, ...]
) -> None:
    tensors = family(*shape)
    delta = deltas(tensors)[0]
    ranks, norm, ranked = fresh.ranks(tensors, 0)
    assert ranks.dtype == torch.uint8
    assert torch.equal(ranks.double(), ranks_of(delta))
    sizes = delta.abs().flatten().double()
    assert norm == pytest.approx(float(sizes.sum()), rel=1e-12)
    assert ranked == pytest.approx(float((sizes * ranks.double()).sum()), rel=1e-12, abs=1e-30)


def test_ranks_are_packed_for_four_experts(fresh: Statistics) -> None:
    tensors = family(*SHAPE, experts=5, names="abcde")
    packed = fresh.packed_ranks(tensors)
    assert [each.dtype for each in packed] == [torch.int32] * 2
    for i in range(5):
        ranks = (packed[i // 4] >> 8 * (i % 4)) & RANKS
        assert torch.equal(ranks, fresh.ranks(tensors, i)[0].int())


def test_equal_magnitudes_rank_by_their_place(fresh: Statistics) -> None:
    tensors = TensorSet(torch.zeros(2, 3), (torch.tensor([[2.0, -2.0, 2.0], [0, 0, 0]]),), "base", ("a",))
    assert fresh.ranks(tensors, 0)[0].tolist() == [0, 128, 255, 0, 128, 255]


@given(st.integers(1, 400))
@settings(max_examples=25)
def test_chunks_of_any_size_give_the_same_statistics(chunk: int) -> None:
    tensors = family(12, 25, experts=3)
    with pytest.MonkeyPatch.context() as patch:
        found, sums = [], []
        for size in (chunk, 1 << 22):
            patch.setattr(made_of, "_CHUNK", size)
            new = Statistics()
            order = new.magnitudes(tensors, 0)
            ranks, norm, ranked = new.ranks(tensors, 0)
            sums.append((norm, ranked))
            found.append([order.value(i) for i in range(1, 301)] + ranks.tolist())
    assert found[0] == found[1]
    assert sums[0] == pytest.approx(sums[1], rel=1e-12)


def test_a_statistic_of_large_tensors_is_a_file(tmp_path: Path) -> None:
    statistics(tmp_path / "small").magnitudes(family(SMALL - 1), 0)
    statistics(tmp_path / "large").magnitudes(family(SMALL), 0)
    assert not (tmp_path / "small").exists()
    assert len(list((tmp_path / "large").rglob("*.safetensors"))) == 1


def test_what_was_made_is_found_by_content_not_by_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = family(*SHAPE)
    first = statistics(tmp_path)
    made = [first.magnitudes(tensors, i).value(100) for i in range(2)]
    monkeypatch.setattr(made_of, "order_of", None)  # nothing can be made any more
    again = statistics(tmp_path)
    swapped = tensors.pick([1, 0])
    assert [again.magnitudes(swapped, i).value(100) for i in range(2)] == made[::-1]
    moved = replace(tensors, experts=tuple(expert.clone() for expert in tensors.experts))
    assert again.magnitudes(moved, 0).value(100) == made[0]


@pytest.mark.parametrize("other", [{"base_id": "other"}, {"expert_ids": ("other", "b")}])
def test_other_content_has_statistics_of_its_own(tmp_path: Path, other: dict[str, object]) -> None:
    tensors = family(*SHAPE)
    changed = replace(tensors, experts=(tensors.experts[1], tensors.experts[0]), **other)  # type: ignore[arg-type]
    known = statistics(tmp_path)
    values = [known.magnitudes(each, 0).l1(tensors.numel) for each in (tensors, changed)]
    assert values[0] != values[1]
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_statistics_of_a_set_do_not_depend_on_those_of_others(tmp_path: Path) -> None:
    tensors = family(*SHAPE, experts=3)
    known = statistics(tmp_path)
    three, two = known.gram(tensors, of="experts"), known.gram(tensors.pick([0, 2]), of="experts")
    assert torch.equal(two, three[[0, 2]][:, [0, 2]])


def test_picked_experts_keep_their_names() -> None:
    tensors = family(10, experts=3)
    picked = tensors.pick([2, 0])
    assert picked.expert_ids == ("c", "a")
    assert picked.experts == (tensors.experts[2], tensors.experts[0])
    assert (picked.base_id, picked.numel) == ("base", 10)
