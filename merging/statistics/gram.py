"""Gram matrices: the norms and dot products of models' tensors, which are all that spherical merges need.

They depend on models only, so they are made once per family and kept. float64 sums of float32 products: exact
to about 1e-16 of the norms, with the same bits for every thread count, chunk size and device (see `sums`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from merging.methods.sums import BLOCK, LANES, fold, one_thread, pad_to, total, tree_sum

_CPU_CHUNK, _GPU_CHUNK = 1 << 16, 1 << 22  # what fits a cache; what fills a device


def gram(vectors: Sequence[Tensor], base: Tensor | None = None) -> Tensor:
    """Dot products of every two tensors, each taken as one vector; minus `base`, if given.

    m tensors of one shape and any float dtype, differences taken in float32. Returns float64 [m, m] on the
    CPU.
    """
    flat = [vector.reshape(-1) for vector in vectors]
    origin = None if base is None else base.reshape(-1)
    n, step = flat[0].numel(), _chunk(flat[0])
    with one_thread(flat[0]):
        blocks = [
            tree_sum(fold(pad_to(_products([_part(vector, start, step, origin) for vector in flat]), BLOCK)))
            for start in range(0, max(n, 1), step)
        ]
    return _mirror(total(torch.cat(blocks, dim=-1)), len(flat))


def row_gram(vectors: Sequence[Tensor], dim: int = -1, base: Tensor | None = None) -> Tensor:
    """Dot products of every two tensors along one dimension; minus `base`, if given.

    m tensors of one shape and any float dtype, differences taken in float32. Returns float64 [*shape, m, m]
    on the tensors' device, with 1 for the size of `dim`, so that coefficients broadcast against the tensors.
    A 1-D tensor is one row.
    """
    dim = dim if vectors[0].dim() > 1 else -1
    rows = [_rows(vector, dim) for vector in vectors]
    origin = None if base is None else _rows(base, dim)
    step = max(1, _chunk(rows[0]) // max(rows[0].shape[-1], 1))
    with one_thread(rows[0]):
        sums = [
            tree_sum(_products([_part(row, start, step, origin) for row in rows]))
            for start in range(0, len(rows[0]), step)
        ]
    shape = list(vectors[0].shape)
    shape[dim] = 1
    return _mirror(torch.cat(sums, dim=-1), len(rows)).reshape(*shape, len(rows), len(rows))


def _rows(tensor: Tensor, dim: int) -> Tensor:
    """Its vectors along `dim`, [rows, n]."""
    matrix = tensor if tensor.dim() > 1 else tensor.reshape(1, -1)
    return matrix.movedim(dim, -1).flatten(0, -2)


def _part(vector: Tensor, start: int, step: int, origin: Tensor | None) -> Tensor:
    part = vector[start : start + step].float()
    return (part if origin is None else part - origin[start : start + step].float()).double()


def _products(parts: Sequence[Tensor]) -> Tensor:
    """Elementwise products of every two, [pairs, ...]."""
    first, second = torch.triu_indices(len(parts), len(parts), device=parts[0].device)
    stacked = torch.stack(list(parts))
    return stacked[first] * stacked[second]


def _mirror(sums: Tensor, m: int) -> Tensor:
    """Upper triangles [pairs, ...] to symmetric matrices [..., m, m]."""
    first, second = torch.triu_indices(m, m, device=sums.device)
    matrix = sums.new_empty(*sums.shape[1:], m, m)
    matrix[..., first, second] = matrix[..., second, first] = sums.movedim(0, -1)
    return matrix


def _chunk(tensor: Tensor) -> int:
    return _CPU_CHUNK if tensor.device.type == "cpu" else _GPU_CHUNK


assert _CPU_CHUNK % BLOCK == _GPU_CHUNK % BLOCK == BLOCK % LANES == 0
