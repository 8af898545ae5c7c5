"""Models that stay on the device and models that stream to it give the same bytes, candidate after candidate.

Three candidates: the first one's tensors must not be the second's, nor the third, which is the first again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.agreeing import merged
from benchmarks.gpu.families import AGREEING, Family, family
from benchmarks.gpu.part import Row, Task, WrongError, try_each
from merging.methods.registry import METHODS
from merging.worker import MergeWorker
from merging.worker.residency import Mode, Residence, plan

_CANDIDATES = (1, 2, 1)
_MODES: tuple[Mode, ...] = ("resident", "streamed")


def rows(task: Task) -> Iterator[Row]:
    """A row for each method."""
    found = family(task, AGREEING)
    yield from try_each(task, METHODS, lambda name: _reside(task, found, name))


def _reside(task: Task, found: Family, name: str) -> dict[str, Any]:
    recipes = [found.recipe(METHODS[name], i) for i in _CANDIDATES]
    on_cpu = found.worker(METHODS[name], "cpu")
    wanted = [merged(on_cpu, recipe, torch.bfloat16, False) for recipe in recipes]
    figures: dict[str, Any] = {"candidates": len(recipes), "tensors": len(wanted[0])}
    for mode in _MODES:
        worker = living(found.worker(METHODS[name], task.device), mode)
        made = [merged(worker, recipe, torch.bfloat16, False) for recipe in recipes]
        figures[f"{mode}, as on the CPU"] = all(
            same_bytes(one[each], other[each])
            for one, other in zip(wanted, made, strict=True)
            for each in one
        )
    if not all(figures.values()):
        raise WrongError("bytes differ from those that the CPU makes", figures)
    return figures


def living(worker: MergeWorker, mode: Mode) -> MergeWorker:
    """The same worker with its models in this mode, whatever would fit."""
    planned = plan(worker.base, worker.experts, "float32", worker.device, free=0)
    vars(worker)["_residence"] = Residence(mode, worker.device, planned.staging)
    return worker


def same_bytes(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one dtype are the same to the bit."""
    return torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))
