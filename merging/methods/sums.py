"""Sums whose bits depend on no thread, chunk or device: float64, over blocks of one size, in one order.

torch.sum splits long vectors between threads and blocks them by the processor's vector width, so its last
bits differ from machine to machine. Here every addition is written out: halves are added to each other until
one number is left, and blocks are added exactly. Products of float32 numbers are exact in float64, so fused
multiply-add, where a compiler chooses it, changes nothing either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_ROWS = 16
LANES = 1 << 10
BLOCK = LANES * _ROWS
"""Elements of a block; chunks of a tensor start at its multiples."""


def pad_to(tensor: Tensor, multiple: int) -> Tensor:
    """The last dimension filled up with zeros, which change no sum, to a multiple."""
    return _pad(tensor, -tensor.shape[-1] % multiple)


def fold(values: Tensor) -> Tensor:
    """The first four halvings of each block, without control flow, for use within a kernel.

    Shapes [..., k * BLOCK] to [..., k, LANES], float64.
    """
    rows = values.reshape(*values.shape[:-1], values.shape[-1] // BLOCK, _ROWS, LANES)
    while rows.shape[-2] > 1:
        half = rows.shape[-2] // 2
        rows = rows[..., :half, :] + rows[..., half:, :]
    return rows.squeeze(-2)


def tree_sum(values: Tensor) -> Tensor:
    """Sum over the last dimension by halving it; shapes [..., n] to [...], float64."""
    n = values.shape[-1]
    values = _pad(values, (1 << max(n - 1, 0).bit_length()) - n)
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        values = values[..., :half] + values[..., half:]
    return values.squeeze(-1)


def total(blocks: Tensor) -> Tensor:
    """Exact sum over the last dimension, rounded once, on the CPU; NaN where something is not finite.

    Shapes [..., k] to [...], float64. Shewchuk 1997, doi 10.1007/PL00009321, as in `math.fsum`.
    """
    sums = [_exact(row) for row in blocks.flatten(0, -2).tolist()]
    return torch.tensor(sums, dtype=torch.float64).reshape(blocks.shape[:-1])


@contextmanager
def one_thread(tensor: Tensor) -> Iterator[None]:
    """While the tensor is on a CPU, run in one thread: LAPACK's bits depend on it, small steps go faster.

    Statistics are parallel over tensors instead. torch's thread count is the calling thread's own, but a
    thread that first asks for it meanwhile starts with one.
    """
    before = torch.get_num_threads()
    if tensor.device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _pad(tensor: Tensor, missing: int) -> Tensor:
    return torch.nn.functional.pad(tensor, (0, missing)) if missing else tensor


def _exact(numbers: list[float]) -> float:
    return math.fsum(numbers) if all(map(math.isfinite, numbers)) else math.nan
