"""Magnitudes of a tensor in descending order, made once, so that no candidate sorts anything.

bfloat16 models have few different magnitudes: each is kept once, with how many elements reach it. Where most
differ, as between float32 models, the sorted magnitudes themselves are kept. Either way the k-th largest is
found exactly, and at once, for every k.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MOSTLY_DIFFERENT = 0.25


@dataclass(frozen=True)
class Order:
    """`values` in descending order; `counts[i]` elements are >= `values[i]`, and sum up to `sums[i]`.

    Without `counts`, `values` holds every element. float32, int64, float64.
    """

    values: NDArray[np.float32]
    counts: NDArray[np.int64] | None
    sums: NDArray[np.float64] | None
    n: int

    def value(self, rank: int) -> float:
        """The `rank`-th largest magnitude, from 1 on."""
        return float(self.values[self._run(rank)])

    def reaching(self, rank: int) -> int:
        """How many elements are at least as large as the `rank`-th: `rank`, and those tied with it."""
        if self.counts is not None:
            return int(self.counts[self._run(rank)])
        return self.n - int(np.searchsorted(self.values[::-1], self.values[rank - 1], side="left"))

    def above(self, rank: int) -> int:
        """How many elements are larger than the `rank`-th."""
        if self.counts is not None:
            run = self._run(rank)
            return int(self.counts[run - 1]) if run else 0
        return self.n - int(np.searchsorted(self.values[::-1], self.values[rank - 1], side="right"))

    def l1(self, count: int) -> float:
        """Sum of the `count` largest; `count` must be 0 or end with a whole run of equal ones."""
        if count == 0:
            return 0.0
        if self.sums is not None:
            return float(self.sums[self._run(count)])
        return float(self.values[:count].sum(dtype=np.float64))

    def _run(self, rank: int) -> int:
        assert 1 <= rank <= self.n, f"rank {rank} of {self.n}"
        return rank - 1 if self.counts is None else int(np.searchsorted(self.counts, rank))

    def to_tensors(self) -> dict[str, Tensor]:
        """For a file."""
        named = {"values": self.values, "counts": self.counts, "sums": self.sums}
        return {name: torch.from_numpy(array) for name, array in named.items() if array is not None}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], n: int) -> Order:
        """What `to_tensors` gave; arrays share the tensors' memory, so they stay mapped."""
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        return cls(arrays["values"], arrays.get("counts"), arrays.get("sums"), n)


def order_of(chunks: Iterable[Tensor], n: int) -> Order:
    """The order of `n` magnitudes, which come as flat float32 tensors >= 0 in chunks that fit memory.

    Chunks are sorted in place, each before the next is asked for, so all may be one buffer.
    """
    arrays = (chunk.numpy() for chunk in chunks)
    first = next(arrays)
    first.sort()
    values, counts = _runs(first)
    if len(values) > _MOSTLY_DIFFERENT * len(first):
        return _sorted(first, arrays, n)
    runs = [(values, counts)]
    for array in arrays:
        array.sort()
        runs.append(_runs(array))
    return _coded(*_merged(runs), n)


def _sorted(first: NDArray[np.float32], rest: Iterable[NDArray[np.float32]], n: int) -> Order:
    values = np.empty(n, dtype=np.float32)
    values[: len(first)], filled = first, len(first)
    for array in rest:
        values[filled : filled + len(array)] = array
        filled += len(array)
    values.sort()
    return Order(values[::-1].copy(), None, None, n)


def _runs(ascending: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Different values, and how often each occurs."""
    ends = np.append(np.flatnonzero(ascending[1:] != ascending[:-1]), len(ascending) - 1)
    return ascending[ends], np.diff(ends, prepend=-1)


def _merged(
    runs: list[tuple[NDArray[np.float32], NDArray[np.int64]]],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    values = np.concatenate([run[0] for run in runs])
    counts = np.concatenate([run[1] for run in runs])
    by_value = np.argsort(values, kind="stable")
    values, counts = values[by_value], counts[by_value]
    starts = np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)
    return values[starts], np.add.reduceat(counts, starts)


def _coded(ascending: NDArray[np.float32], counts: NDArray[np.int64], n: int) -> Order:
    values, counts = ascending[::-1].copy(), counts[::-1]
    sums = np.cumsum(values.astype(np.float64) * counts)
    return Order(values, np.cumsum(counts), sums, n)
