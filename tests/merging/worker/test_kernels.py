"""Kernels outside the task-arithmetic family: the same bits in parts, and compiled, as eagerly as a whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from merging.methods.geometry import combine, shift
from merging.methods.selection import (
    arcee_fusion,
    divergence,
    nearswap,
    passthrough,
    sce,
    variance,
)
from merging.methods.spectral import add_parts

ROWS, COLUMNS = 36, 1000
WEIGHTS = torch.tensor([0.55, 0.3, 0.15])
T = torch.tensor(0.3)
CUT = torch.tensor(0.4)

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""Of a base, three experts and their rows' divergence."""

KERNELS: dict[str, Kernel] = {
    "combine": lambda base, a, b, c, rows: combine([a, b, c], WEIGHTS),
    "combine by row": lambda base, a, b, c, rows: combine([a, b], torch.stack([rows, 1 - rows], dim=-1)),
    "shift": lambda base, a, b, c, rows: shift(base, [a, b, c], WEIGHTS),
    "add_parts": lambda base, a, b, c, rows: add_parts(base, [a, b, c], WEIGHTS),
    "variance": lambda base, a, b, c, rows: variance(base, [a, b, c]),
    "sce": lambda base, a, b, c, rows: sce(base, [a, b, c], WEIGHTS, None),
    "sce of some": lambda base, a, b, c, rows: sce(
        base, [a, b, c], WEIGHTS, variance(base, [a, b, c]) >= CUT
    ),
    "sce of fusechat": lambda base, a, b, c, rows: sce(
        base, [a, b, c], WEIGHTS, variance(base, [a, b, c]) >= CUT, "fusechat"
    ),
    "nearswap": lambda base, a, b, c, rows: nearswap(base, a, T),
    "passthrough": lambda base, a, b, c, rows: passthrough(a, T),
    "arcee_fusion": lambda base, a, b, c, rows: arcee_fusion(base, a, rows, T),
}


def inputs(dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(ROWS, COLUMNS, generator=generator).to(dtype) for _ in range(4)]
    return [*tensors, divergence(tensors[0], tensors[1])]


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a, b) and torch.equal(a.signbit(), b.signbit())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_does_not_care_for_parts(name: str, dtype: torch.dtype) -> None:
    tensors, kernel = inputs(dtype), KERNELS[name]
    whole = kernel(*tensors)
    assert whole.dtype == torch.float32
    for step in (1, 7):
        parts = [kernel(*(tensor[i : i + step] for tensor in tensors)) for i in range(0, ROWS, step)]
        assert same_bits(torch.cat(parts), whole)


@pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a C++ compiler"
)
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_kernel_is_the_eager_one() -> None:
    def all_kernels(base: Tensor, a: Tensor, b: Tensor, c: Tensor, rows: Tensor) -> list[Tensor]:
        return [kernel(base, a, b, c, rows) for kernel in KERNELS.values()]

    compiled = torch.compile(all_kernels, dynamic=True, fullgraph=True)
    for dtype in (torch.float32, torch.bfloat16):
        tensors = inputs(dtype)
        for name, one, other in zip(KERNELS, compiled(*tensors), all_kernels(*tensors), strict=True):
            assert same_bits(one, other), name
