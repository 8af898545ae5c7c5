"""The kernels of a 7B's candidates, over weights made on the device: no file, no host memory.

A kernel is elementwise and has no branches, so its time does not depend on its numbers: each step is one of
the small family's, over tensors of the large one's shapes. What a method reads besides models (ranks,
variances) is read from one buffer. As many layers as fit, beside embedding and head.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.candidates import EXPERTS, SPECTRAL, experts_of, traffic
from benchmarks.copying import Yardstick
from benchmarks.gpu.agreeing import eager_reasons
from benchmarks.gpu.families import AGREEING, LARGE, TINY, Family, family
from benchmarks.gpu.merging_speed import Pass, measured, release, run_all
from benchmarks.gpu.part import Row, SkippedError, Task, WrongError, attempt, try_each
from benchmarks.models import Shape
from merging.methods.registry import METHODS
from merging.statistics.known import TensorSet
from merging.worker.runner import Runner, Step, should_compile

_SHARE = 0.85
"""Of the device's free memory that is filled: eager passes need room on the way."""
_CHUNK = 1 << 28
_WIDEST = 4
"""Bytes of an element of a statistic."""


@dataclass(frozen=True)
class Large:
    """Models on the device, the base first, and room for a candidate, each as one vector and by name."""

    shape: Shape
    flats: tuple[Tensor, ...]
    named: tuple[dict[str, Tensor], ...]
    statistics: Tensor
    """Bytes that stand for any statistic of the largest tensor."""


def rows(task: Task) -> Iterator[Row]:
    """A row for the family, then one for each method."""
    device = torch.device(task.device)
    made: list[Large] = []

    shape = replace(TINY, hidden=128) if task.small else LARGE

    def make() -> dict[str, Any]:
        made.append(large := _make(_fitting(shape, device), device))
        return {
            "layers": large.shape.layers,
            "of": shape.layers,
            "parameters": large.shape.nbytes // 2,
            "bytes there": sum(flat.nbytes for flat in large.flats),
        }

    yield attempt(task, "family", make)
    if made:
        small = family(task, AGREEING)
        yield from try_each(task, METHODS, lambda name: _measure(task, small, made[0], name))


def _fitting(shape: Shape, device: torch.device) -> Shape:
    """The shape with as many of its layers as fit."""
    if device.type != "cuda":
        return shape
    free = torch.cuda.mem_get_info(device)[0] * _SHARE
    free -= _WIDEST * max(math.prod(size) for size in shape.tensors().values())
    return layers_within(shape, free)


def layers_within(shape: Shape, room: float) -> Shape:
    """The shape with as many layers as leave base, experts and a candidate within so many bytes.

    Raises SkippedError where not one layer fits.
    """
    outer = replace(shape, layers=0).nbytes
    layer = (shape.nbytes - outer) / shape.layers
    layers = min(shape.layers, int((room / (EXPERTS + 2) - outer) // layer))
    if layers < 1:
        raise SkippedError(f"{room / 1e9:.1f} GB of the device's memory hold no layer of this shape")
    return replace(shape, layers=layers)


def _make(shape: Shape, device: torch.device) -> Large:
    shapes = shape.tensors()
    count = shape.nbytes // 2
    flats = [torch.empty(count, dtype=torch.bfloat16, device=device) for _ in range(EXPERTS + 2)]
    random = torch.Generator(device).manual_seed(0)
    for start in range(0, count, _CHUNK):
        base, *experts = (flat[start : start + _CHUNK] for flat in flats[:-1])
        base.normal_(0, 0.02, generator=random)
        for expert in experts:
            expert.normal_(0, 0.0003, generator=random).add_(base)
    flats[-1].zero_()
    largest = max(math.prod(size) for size in shapes.values())
    statistics = torch.zeros(_WIDEST * largest, dtype=torch.uint8, device=device)
    return Large(shape, tuple(flats), tuple(_by_name(flat, shapes) for flat in flats), statistics)


def _by_name(flat: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    parts = torch.split(flat, [math.prod(size) for size in shapes.values()])
    return {name: part.view(size) for (name, size), part in zip(shapes.items(), parts, strict=True)}


def _measure(task: Task, small: Family, large: Large, name: str) -> dict[str, Any]:
    if name in SPECTRAL and not task.small:
        raise SkippedError("decomposes every matrix on the CPU first: hours at this size")
    device = torch.device(task.device)
    release(device)
    passes = _passes(small, large, name)
    runner = Runner(task.device, should_compile(large.shape.nbytes // 2, task.device))
    flat = [each.view(torch.uint8) for each in large.flats]
    yardstick = Yardstick(flat[:-1], flat[-1])
    with eager_reasons() as reasons:
        figures = measured(
            yardstick,
            traffic(METHODS[name], large.shape.nbytes),
            {"kernels": lambda _: run_all(runner, passes, device)},
            task.repetitions,
        )
    figures = {"compiled": "no" if reasons or not runner.compiled else "yes", **figures}
    if not torch.isfinite(large.named[-1]["model.norm.weight"]).all():
        raise WrongError("NaN or Inf came out", figures)
    return figures


def _passes(small: Family, large: Large, name: str) -> list[Pass]:
    """The passes of one candidate, each tensor's step that of the small family's tensor of its kind."""
    method = METHODS[name]
    recipe, worker = small.recipe(method, 0), small.worker(method, "cpu")
    parts = {part.name: part for part in worker._parts(recipe)}
    steps = {part.name: worker._step(recipe, method, part) for part in parts.values()}
    passes: list[Pass] = []
    for wide in large.shape.tensors():
        alike = re.sub(r"\.\d+\.", ".0.", wide)
        models = [each[wide] for each in large.named[: 1 + experts_of(method)]]
        out = large.named[-1][wide]
        passes.append((*enlarged(steps[alike], parts[alike].tensors, models, large.statistics), out))
    return passes


def enlarged(
    step: Step, tensors: TensorSet, models: list[Tensor], statistics: Tensor
) -> tuple[Step, list[Tensor]]:
    """A step over a small tensor's set as one over large tensors of the same models, and what it reads.

    Statistics are read from `statistics`, bytes; numbers by row are repeated.
    """
    places = {id(tensor): i for i, tensor in enumerate((tensors.base, *tensors.experts))}
    wide, count = models[0].shape, models[0].numel()
    inputs = [
        models[places[id(tensor)]]
        if id(tensor) in places
        else statistics[: count * tensor.itemsize].view(tensor.dtype).view(wide if step.rows else -1)
        for tensor in step.inputs
    ]
    lead = tensors.base.shape[:-1] if step.rows else torch.Size()
    numbers = {key: _repeated(number, lead, wide) for key, number in step.numbers.items()}
    return replace(step, numbers=numbers, inputs=tuple(inputs)), inputs


def _repeated(number: Tensor, lead: torch.Size, wide: torch.Size) -> Tensor:
    """Numbers of each of a tensor's rows, for one with other rows; others as they are."""
    if not lead or number.shape[: len(lead)] != lead:
        return number
    rest = number.shape[len(lead) :]
    return number[(0,) * len(lead)].expand(*wide[:-1], *rest).contiguous()
