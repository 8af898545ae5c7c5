"""CPU and device make the same candidate with every method, to the last bit: eagerly, and compiled.

Statistics are made on the CPU for both, and kernels add in one order, so no tolerance is needed: none is
given. A difference is told in ulps: how many numbers of the dtype lie between the two. What is compiled is
compared in float32 here, in bfloat16 by `merging_speed`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.families import AGREEING, Family, family
from benchmarks.gpu.part import Row, Task, WrongError, try_each
from merging.methods.registry import METHODS
from merging.recipe import Recipe
from merging.worker import MergeWorker
from merging.worker.runner import LARGE, Runner, should_compile

DTYPES = (torch.float32, torch.bfloat16)
_SIGNED = {torch.float32: (torch.int32, 0x7FFFFFFF), torch.bfloat16: (torch.int16, 0x7FFF)}


def rows(task: Task) -> Iterator[Row]:
    """A row for each method."""
    found = family(task, AGREEING)
    yield from try_each(task, METHODS, lambda name: _agree(task, found, name))


def _agree(task: Task, found: Family, name: str) -> dict[str, Any]:
    method = METHODS[name]
    recipe = found.recipe(method, 1)
    wanted = {dtype: merged(found.worker(method, "cpu"), recipe, dtype, False) for dtype in DTYPES}
    figures: dict[str, Any] = {"numbers": sum(tensor.numel() for tensor in wanted[torch.float32].values())}
    figures |= _against(found.worker(method, task.device), recipe, wanted, compiled=False)
    if _compiles(task, name):
        finest = {torch.float32: wanted[torch.float32]}  # each dtype takes a compiler seconds
        with eager_reasons() as reasons:
            figures |= _against(found.worker(method, task.device), recipe, finest, compiled=True)
        if reasons:
            raise WrongError(reasons[0], figures)
    else:
        figures["compiled"] = "not tried" if task.small else "no compiler"
    apart = {key: count for key, count in figures.items() if key.endswith("ulps") and count}
    if apart:
        raise WrongError(f"CPU and {task.device} differ: {apart}", figures)
    return figures


def _against(
    worker: MergeWorker, recipe: Recipe, wanted: Mapping[torch.dtype, Mapping[str, Tensor]], compiled: bool
) -> dict[str, Any]:
    """How far the worker's candidate is from the wanted one, for each dtype."""
    figures: dict[str, Any] = {}
    for dtype, tensors in wanted.items():
        made = merged(worker, recipe, dtype, compiled)
        label = f"{'compiled' if compiled else 'eager'} {str(dtype).removeprefix('torch.')}"
        figures |= _distance(tensors, made, label)
    return figures


def _compiles(task: Task, name: str) -> bool:
    """In small one kernel stands for all: each takes a compiler on a CPU seconds."""
    return should_compile(LARGE, task.device) and (not task.small or name == "linear")


def merged(worker: MergeWorker, recipe: Recipe, dtype: torch.dtype, compiled: bool) -> dict[str, Tensor]:
    """The candidate, made where the worker is, on the CPU."""
    vars(worker)["_runner"] = Runner(worker.device, compiled)
    buffers = {
        name: torch.empty(shape, dtype=dtype, device=worker.device)
        for name, shape in worker.shapes(recipe).items()
    }
    worker.merge_into(recipe, buffers)
    return {name: tensor.cpu() for name, tensor in buffers.items()}


def _distance(wanted: Mapping[str, Tensor], made: Mapping[str, Tensor], label: str) -> dict[str, Any]:
    apart = [(wanted[name].double() - made[name].double()).abs().max() for name in wanted]
    steps = max(ulps(wanted[name], made[name]) for name in wanted)
    return {f"{label} ulps": steps, f"{label} max abs": float(max(apart))}


def ulps(a: Tensor, b: Tensor) -> int:
    """The most numbers of their dtype, float32 or bfloat16, that lie between two of their elements, and 1.

    0 for equal bits; a zero and its negative are 1 apart.
    """
    return int((_order(a) - _order(b)).abs().max())


def _order(tensor: Tensor) -> Tensor:
    """Bits as whole numbers in the order of the numbers that they mean."""
    kind, rest = _SIGNED[tensor.dtype]
    bits = tensor.contiguous().view(kind).to(torch.int64)
    return torch.where(bits < 0, -(bits & rest) - 1, bits)


@contextmanager
def eager_reasons() -> Iterator[list[str]]:
    """What was said meanwhile of merges that ran eagerly for want of a compiler."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "merging eagerly" in record.getMessage():
                said.append(record.getMessage())

    listener, logger = Listener(), logging.getLogger("merging")
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
