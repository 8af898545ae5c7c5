"""What a merge needs to know of its models, whatever its numbers: made once per expert or family, and kept.

Task vectors are taken in float32, chunk by chunk, so that nothing grows with a tensor but what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from merging.methods.operators import PACKED, RANKS
from merging.methods.selection import divergence, importance, importance_threshold
from merging.methods.spectral import tsv
from merging.methods.sums import one_thread
from merging.statistics.cache import Statistic, StatisticsCache
from merging.statistics.gram import gram, row_gram
from merging.statistics.magnitudes import Order, order_of
from merging.statistics.variances import VarianceOrder, variance_order

SMALL = 1 << 12
"""Elements from which on a statistic is worth a file."""

_LARGE_MODEL = 1 << 22
_CHUNK = 1 << 22


@dataclass(frozen=True)
class TensorSet:
    """One tensor of every input that takes part: mapped, in its stored dtype, and the name of its content."""

    base: Tensor
    experts: tuple[Tensor, ...]
    base_id: str
    expert_ids: tuple[str, ...]

    @property
    def numel(self) -> int:
        """Number of elements."""
        return self.base.numel()

    def pick(self, experts: Sequence[int]) -> TensorSet:
        """The same with these experts only."""
        return TensorSet(
            self.base,
            tuple(self.experts[i] for i in experts),
            self.base_id,
            tuple(self.expert_ids[i] for i in experts),
        )


@dataclass(frozen=True)
class Statistics:
    """Statistics of models' tensors, from the cache or made now."""

    cache: StatisticsCache = field(default_factory=StatisticsCache)
    said: set[str] = field(default_factory=set, compare=False)
    """What users were told already."""
    _orders: dict[tuple[str, str], Order] = field(default_factory=dict, compare=False)

    def magnitudes(self, tensors: TensorSet, i: int) -> Order:
        """Order of the magnitudes of expert `i`'s task vector."""
        key = (tensors.base_id, tensors.expert_ids[i])
        if key not in self._orders:  # asked once per tensor, expert and candidate
            made = self._get(
                "magnitudes",
                tensors,
                (i,),
                lambda: order_of(_magnitudes(tensors, i, self._scratch), tensors.numel).to_tensors(),
            )
            self._orders[key] = Order.from_tensors(made, tensors.numel)
        return self._orders[key]

    @cached_property
    def _scratch(self) -> Tensor:
        """Room to take differences in; made anew for each tensor, it would leave the heap full of holes."""
        return torch.empty(2, _CHUNK)

    def ranks(self, tensors: TensorSet, i: int) -> tuple[Tensor, float, float]:
        """Ranks of the magnitudes in their rows, flat uint8, with sums of |d| and of rank * |d|."""
        made = self._get("ranks", tensors, (i,), lambda: _ranks(tensors, i))
        return made["ranks"], float(made["sums"][0]), float(made["sums"][1])

    def packed_ranks(self, tensors: TensorSet) -> list[Tensor]:
        """Ranks of every `PACKED` experts as one flat int32 tensor, as kernels want them."""
        everyone = range(len(tensors.experts))

        def make() -> Statistic:
            ranks = [self.ranks(tensors, i)[0].to(torch.int32) for i in everyone]
            groups = [ranks[i : i + PACKED] for i in range(0, len(ranks), PACKED)]
            return {str(i): _packed(group) for i, group in enumerate(groups)}

        made = self._get("packed ranks", tensors, everyone, make)
        return [made[str(i)] for i in range(len(made))]

    def peaks(self, model: Iterable[tuple[str, Tensor]], fingerprint: str, numel: int) -> dict[str, float]:
        """The largest magnitude in each tensor of a model, which has `numel` elements in all."""
        made = self.cache.get(
            "peaks",
            (fingerprint,),
            lambda: {name: _peak(tensor) for name, tensor in model},
            on_disk=numel >= _LARGE_MODEL,
        )
        return {name: float(peak) for name, peak in made.items()}

    def gram(self, tensors: TensorSet, *, of: str, axis: int | None = None) -> Tensor:
        """Dot products of what `of` says: "experts", "task vectors", or "all" (the base, then the experts).

        float64 [m, m]; along one axis of the tensors, if given, [..., m, m].
        """
        vectors = (tensors.base, *tensors.experts) if of == "all" else tensors.experts
        base = tensors.base if of == "task vectors" else None

        def make() -> Statistic:
            found = gram(vectors, base) if axis is None else row_gram(vectors, axis, base)
            return {"gram": found}

        everyone = range(len(tensors.experts))
        return self._get(f"gram of {of} along {axis}", tensors, everyone, make)["gram"]

    def variances(self, tensors: TensorSet) -> VarianceOrder:
        """Order of the variances between the experts' task vectors."""
        everyone = range(len(tensors.experts))
        made = self._get(
            "variance places",
            tensors,
            everyone,
            lambda: variance_order(tensors.base, tensors.experts).to_tensors(),
        )
        return VarianceOrder.from_tensors(made)

    def importance(self, tensors: TensorSet) -> tuple[Tensor, Tensor]:
        """Arcee Fusion's divergences, float32 [..., 1], and its threshold, float32 []."""

        def make() -> Statistic:
            expert = tensors.experts[0]
            rows = divergence(tensors.base, expert)
            threshold = importance_threshold(importance(tensors.base, expert, rows))
            return {"divergences": rows, "threshold": threshold}

        made = self._get("importance", tensors, (0,), make)
        return made["divergences"], made["threshold"]

    def tsv_parts(self, tensors: TensorSet) -> list[Tensor]:
        """Each expert's part of TSV-Merge among these, float32."""
        everyone = range(len(tensors.experts))

        def make() -> Statistic:
            parts = tsv([expert.float() - tensors.base.float() for expert in tensors.experts])
            return {str(i): part.contiguous() for i, part in enumerate(parts)}

        made = self._get("tsv", tensors, everyone, make)
        return [made[str(i)] for i in everyone]

    def _get(
        self, kind: str, tensors: TensorSet, experts: Sequence[int], make: Callable[[], Statistic]
    ) -> Statistic:
        sources = (tensors.base_id, *(tensors.expert_ids[i] for i in experts))
        return self.cache.get(kind, sources, make, on_disk=tensors.numel >= SMALL)


def _magnitudes(tensors: TensorSet, i: int, scratch: Tensor) -> Iterator[Tensor]:
    """Chunk by chunk in the first row of the scratch, as long as the next is not asked for."""
    base, expert = tensors.base.reshape(-1), tensors.experts[i].reshape(-1)
    for start in range(0, len(base), _CHUNK):
        part = slice(start, start + _CHUNK)
        delta, origin = scratch[:, : len(base[part])]
        origin.copy_(base[part])
        yield delta.copy_(expert[part]).sub_(origin).abs_()


def _peak(tensor: Tensor) -> Tensor:
    if not tensor.numel():
        return torch.zeros(())
    low, high = torch.aminmax(tensor)
    return torch.maximum(-low, high).float()


def _ranks(tensors: TensorSet, i: int) -> Statistic:
    """Ranks of equal magnitudes follow their positions; a row of one element has rank 0."""
    columns = tensors.base.shape[-1] if tensors.base.dim() > 1 else tensors.numel
    base, expert = tensors.base.reshape(-1, columns), tensors.experts[i].reshape(-1, columns)
    scaled = (np.arange(columns, dtype=np.int64) * RANKS + (columns - 1) // 2) // max(columns - 1, 1)
    by_place = torch.from_numpy(scaled.astype(np.uint8)).expand(base.shape)
    step = max(1, _CHUNK // columns)
    ranks, sums = torch.empty(base.shape, dtype=torch.uint8), np.zeros(2)
    for start in range(0, len(base), step):
        part = slice(start, start + step)
        size = (expert[part].float() - base[part].float()).abs()
        ranks[part].scatter_(1, _ascending(size), by_place[part])
        sums += _two_sums(size, ranks[part])
    return {"ranks": ranks.reshape(-1), "sums": torch.from_numpy(sums)}


def _packed(ranks: Sequence[Tensor]) -> Tensor:
    """int32, the first expert's ranks in the lowest byte."""
    together = torch.zeros_like(ranks[0])
    for place, rank in enumerate(ranks):
        together |= rank << (8 * place)
    return together


def _ascending(rows: Tensor) -> Tensor:
    """Positions of each row's numbers >= 0 in ascending order, as a stable sort has them; int64.

    Sorts bits and position as one whole number, which takes a tenth of the time of sorting indices.
    """
    bits = rows.numpy().view(np.uint32).astype(np.uint64)
    keys = (bits << np.uint64(32)) | np.arange(rows.shape[1], dtype=np.uint64)
    keys.sort(axis=1)
    return torch.from_numpy((keys & np.uint64(0xFFFFFFFF)).astype(np.int64))


def _two_sums(size: Tensor, rank: Tensor) -> list[float]:
    with one_thread(size):  # float64 sums of more threads would differ in their last bits
        return [float(size.double().sum()), float((size.double() * rank).sum())]
