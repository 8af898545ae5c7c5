"""What SCE selects by, made once: elements by variance between experts, with the energy of the first so many.

A candidate then finds its cut, and the energies of what reaches it, without a pass over the tensor.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from merging.methods.selection import selected, variance

_STRIDE = 1 << 10
"""Elements between two sums that are kept."""

_CHUNK = 1 << 22


@dataclass(frozen=True)
class VarianceOrder:
    """`variances` of a tensor's elements, flat float32; `places` int32, of the largest first.

    `energies[j]` are each task vector's squares summed over the first j * 1024 places, float64 [j, experts].
    """

    variances: Tensor
    places: NDArray[np.int32]
    energies: NDArray[np.float64]
    nonzero: int

    def cut(self, select_topk: float) -> tuple[float, int]:
        """The smallest variance that is selected, and how many elements reach it; inf and 0 for none."""
        count = selected(self.nonzero, select_topk)
        if count == 0:
            return math.inf, 0
        smallest = self._value(count - 1)
        return smallest, bisect_right(range(len(self.places)), -smallest, key=lambda i: -self._value(i))

    def energies_of(self, count: int, base: Tensor, experts: Sequence[Tensor]) -> Tensor:
        """Sums of squares of each task vector over the `count` elements that vary most; float64 [experts]."""
        whole = count // _STRIDE
        rest = _squares(base, experts, self.places[whole * _STRIDE : count])
        return torch.from_numpy(self.energies[whole] + rest.sum(axis=0))

    def _value(self, rank: int) -> float:
        return float(self.variances[int(self.places[rank])])

    def to_tensors(self) -> dict[str, Tensor]:
        """For a file."""
        return {
            "variances": self.variances,
            "places": torch.from_numpy(self.places),
            "energies": torch.from_numpy(self.energies),
            "nonzero": torch.tensor(self.nonzero),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> VarianceOrder:
        """What `to_tensors` gave; nothing is copied, so what is mapped stays mapped."""
        places, energies = tensors["places"].numpy(), tensors["energies"].numpy()
        return cls(tensors["variances"], places, energies, int(tensors["nonzero"]))


def variance_order(base: Tensor, experts: Sequence[Tensor]) -> VarianceOrder:
    """The order of one tensor's elements; fewer than 2^31 of any float dtype."""
    flat, others = base.reshape(-1), [expert.reshape(-1) for expert in experts]
    assert flat.numel() < 2**31, "places are int32"
    parts = [slice(start, start + _CHUNK) for start in range(0, flat.numel(), _CHUNK)]
    variances = torch.cat([variance(flat[part], [other[part] for other in others]) for part in parts])
    places = _descending(variances.numpy())
    energies = np.zeros((len(places) // _STRIDE + 1, len(others)))
    for i in range(1, len(energies)):
        energies[i] = _squares(flat, others, places[(i - 1) * _STRIDE : i * _STRIDE]).sum(axis=0)
    return VarianceOrder(variances, places, energies.cumsum(axis=0), int(np.count_nonzero(variances.numpy())))


def _descending(variances: NDArray[np.float32]) -> NDArray[np.int32]:
    """Places from the largest variance to the smallest; sorted with the place in the same whole number."""
    keys = variances.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys.sort()
    return (keys[::-1] & np.uint64(0xFFFFFFFF)).astype(np.int32)


def _squares(base: Tensor, experts: Sequence[Tensor], places: NDArray[np.int32]) -> NDArray[np.float64]:
    """Squares of the task vectors at these places; [places, experts]."""
    at = torch.from_numpy(places).long()
    origin = base.reshape(-1)[at].float()
    deltas = [expert.reshape(-1)[at].float() - origin for expert in experts]
    squares: NDArray[np.float64] = torch.stack(deltas, dim=1).double().square().numpy()
    return squares
