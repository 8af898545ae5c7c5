"""Candidates of 0.37B parameters on the device, in turns with copies of the same traffic in its memory.

`kernels` are a candidate's passes alone, their numbers found beforehand: what a candidate takes beyond them
is the host's work, tensor by tensor.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.candidates import SPECTRAL, traffic
from benchmarks.copying import Yardstick, open_yardstick, settle
from benchmarks.gpu.agreeing import eager_reasons
from benchmarks.gpu.families import SERVED, Family, family
from benchmarks.gpu.part import Row, SkippedError, Task, WrongError, try_each
from benchmarks.samples import Samples, clock, in_turns
from benchmarks.warm import cores
from merging.methods.registry import METHODS
from merging.recipe import Recipe
from merging.worker import MergeWorker
from merging.worker.runner import Runner, Step

_LOOKED_AT = ("model.norm.weight", "model.layers.0.mlp.down_proj.weight", "lm_head.weight")

Pass = tuple[Step, Sequence[Tensor], Tensor]
"""A step, what it reads and what it fills, on the device."""


def rows(task: Task) -> Iterator[Row]:
    """A row for each method."""
    torch.set_num_threads(cores())
    found = family(task, SERVED)
    yardstick = open_yardstick(found.folders, task.device)
    yield from try_each(task, METHODS, lambda name: _measure(task, found, yardstick, name))


def _measure(task: Task, found: Family, yardstick: Yardstick, name: str) -> dict[str, Any]:
    if name in SPECTRAL and not task.small:
        raise SkippedError("decomposes every matrix on the CPU first: minutes at this size")
    method, device = METHODS[name], torch.device(task.device)
    release(device)
    worker = found.worker(method, task.device)
    buffers = worker.buffers(found.recipe(method, 0))

    def candidate(repetition: int) -> None:
        worker.merge_into(found.recipe(method, repetition), buffers)
        settle(device)

    with eager_reasons() as reasons:
        first = clock(lambda: candidate(-2))
        passes = _passes(worker, found.recipe(method, 0), buffers)
        runs = {"kernels": lambda _: run_all(worker._runner, passes, device), "candidate": candidate}
        figures = measured(yardstick, traffic(method, found.models.nbytes), runs, task.repetitions)
    how = "no" if reasons or not worker._runner.compiled else "yes"
    figures = {"models": worker._residence.mode, "compiled": how, "first s": first, **figures}
    candidate(0)
    if other := _unlike_the_cpus(found.worker(method, "cpu"), found.recipe(method, 0), buffers):
        raise WrongError(f"other bytes than the CPU makes: {', '.join(other)}", figures)
    return figures


def _unlike_the_cpus(worker: MergeWorker, recipe: Recipe, buffers: Mapping[str, Tensor]) -> list[str]:
    """Which of some tensors are not those that the CPU makes: a norm, a matrix of a layer, the largest."""
    vars(worker)["_runner"] = Runner("cpu")
    own = {name: torch.empty_like(buffers[name], device="cpu") for name in _LOOKED_AT}
    worker.merge_into(recipe, own)
    return [name for name, tensor in own.items() if not torch.equal(tensor, buffers[name].cpu())]


def _passes(worker: MergeWorker, recipe: Recipe, buffers: Mapping[str, Tensor]) -> list[Pass]:
    made = worker._made(recipe, worker._parts(recipe))
    return [(step, tensors, buffers[part.name]) for part, tensors, step in made if step is not None]


def run_all(runner: Runner, passes: Sequence[Pass], device: torch.device) -> None:
    """Run the passes, and wait until the device has done them."""
    for step, inputs, out in passes:
        runner.run(step, inputs, out)
    settle(device)


def measured(
    yardstick: Yardstick, moved: int, runs: Mapping[str, Callable[[int], object]], repetitions: int
) -> dict[str, Any]:
    """Medians of the runs and of a copy of so many bytes, taken in turns; ratios; every sample."""
    taken = in_turns({"copy": lambda _: yardstick.copy(moved), **runs}, repetitions, warmups=2)
    copy = taken["copy"].median
    return {
        "traffic GB": moved / 1e9,
        "copy TB/s": moved / copy / 1e12,
        **{f"{name} s": each.median for name, each in taken.items()},
        **{f"{name} / copy": taken[name].median / copy for name in runs},
        "samples": _samples(taken),
    }


def _samples(taken: Mapping[str, Samples]) -> dict[str, list[float]]:
    return {name: list(each.seconds) for name, each in taken.items()}


def release(device: torch.device) -> None:
    """Give back what the last row held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
