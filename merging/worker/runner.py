"""Runs a step over a tensor: compiled where the model is large and a compiler is there, else eagerly.

One definition becomes C++ on CPUs (`compiled`; passes over whole rows by torch.compile) and Triton on CUDA
(torch.compile). Numbers are tensors, sizes are dynamic: nothing is compiled again between candidates. Eager
and compiled runs give the same bits.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from merging.worker.compiled import LONGEST, OPTIONS, SHORTEST, Kernel, Library, run_eagerly, say_failed
from merging.worker.once import Once

LARGE = 1 << 25
"""Elements of a model from which on compiling is worth its seconds."""

_EAGER_CHUNK, _GPU_CHUNK = 1 << 18, 1 << 24
"""Elements that fit a cache with what is computed of them; that fill a device."""

_GPU_OPTIONS: Mapping[str, Any] = {
    # Triton would fuse multiplications into additions, and divide roughly.
    "emulate_precision_casts": True,
    "eager_numerics.division_rounding": True,
}


@dataclass(frozen=True)
class Step:
    """How one tensor of a candidate is made: a kernel, what it reads and the numbers it reads it with."""

    kernel: Kernel
    inputs: tuple[Tensor, ...]
    numbers: Mapping[str, Tensor] = field(default_factory=dict)
    rows: bool = False
    """Whether it wants whole tensors in their shape rather than flat parts of them."""
    keys: Callable[[int], Mapping[str, Tensor]] | None = None
    """Numbers of a block of `LONGEST` elements, for kernels that draw; else the same for all."""
    bound: float = float("nan")
    """No result, and no sum on the way to it, is larger than this; NaN if that is not known."""
    fresh: bool = False
    """Whether inputs that are no model's tensors were made for this candidate alone."""


@dataclass(frozen=True)
class Runner:
    """Where steps run; `compiled` as `should_compile` says."""

    device: str = "cpu"
    compiled: bool = False
    library: Library = field(default_factory=Library)
    once: Once | None = None
    """The one merge that it is for: what is compiled already is used, and compiled what pays within it."""

    def run(self, step: Step, inputs: Sequence[Tensor], out: Tensor) -> None:
        """Fill `out`, contiguous and of the inputs' shape, with the step's result, cast to its dtype.

        `inputs` are the step's own, on this runner's device.
        """
        # Where inputs lie is known: names do not tell, as tensors of device "cuda" are on "cuda:0".
        home = inputs[0].device
        here = out if out.device == home else torch.empty_like(out, device=home)
        if step.rows:
            numbers = self._moved(step.numbers)
            self._pass(step, here, inputs, numbers, self._compiles(step, here, inputs, numbers))
        else:
            # `.data` forgets of what shape this is a view; torch.compile would compile for each.
            self._run_flat(step, [tensor.reshape(-1) for tensor in inputs], here.view(-1).data)
        if here is not out:
            out.copy_(here)

    def _run_flat(self, step: Step, inputs: Sequence[Tensor], flat: Tensor) -> None:
        start = 0
        while start < flat.numel():
            numbers = self._moved(self._numbers_at(step, start))
            compiled = self._compiles(step, flat[start:], inputs, numbers)
            stop = (start // LONGEST + 1) * LONGEST if compiled else start + _eager_chunk(flat)
            part = slice(start, stop)
            self._pass(step, flat[part], [tensor[part] for tensor in inputs], numbers, compiled)
            start = stop

    def _pass(
        self,
        step: Step,
        out: Tensor,
        inputs: Sequence[Tensor],
        numbers: Mapping[str, Tensor],
        compiled: bool,
    ) -> None:
        run = self._way(step, out, inputs, numbers) if compiled else partial(run_eagerly, step.kernel)
        if self.once is None:
            run(out, inputs, numbers)
        else:
            self.once.timed(step.kernel, out.numel(), lambda: run(out, inputs, numbers))

    def _way(
        self, step: Step, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]
    ) -> Callable[..., None]:
        """The compiled pass, made now if need be."""
        if step.rows or out.device.type != "cpu":
            return _compiled(step.kernel, out.device.type)
        return self.library.get(step.kernel, out, inputs, numbers)

    def _compiles(
        self, step: Step, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]
    ) -> bool:
        if not self.compiled or out.numel() < SHORTEST:
            return False
        if self.once is None or self.once.pays(step.kernel):
            return True
        flat = not step.rows and out.device.type == "cpu"
        return flat and self.library.find(step.kernel, out, inputs, numbers) is not None

    def _numbers_at(self, step: Step, start: int) -> Mapping[str, Tensor]:
        if step.keys is None:
            return step.numbers
        block, first = divmod(start, LONGEST)
        return {**step.numbers, **step.keys(block), "first": torch.tensor(first, dtype=torch.int32)}

    def _moved(self, numbers: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: self._to(tensor) for name, tensor in numbers.items()}

    def _to(self, tensor: Tensor) -> Tensor:
        return tensor if self.device == "cpu" else tensor.to(self.device, non_blocking=True)


def should_compile(elements: int, device: str) -> bool:
    """Whether to compile for a model of this size on this device; says once if a compiler is missing."""
    return elements >= LARGE and _has_compiler(torch.device(device).type)


@cache
def _has_compiler(device: str) -> bool:
    # What torch.compile would look for; asking it takes a second, which a small merge does not have.
    missing = _missing_on_cpu() if device == "cpu" else _missing_on_gpu()
    if missing:
        logging.getLogger(__name__).warning("%s", missing)
    return not missing


def _missing_on_cpu() -> str:
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is not None:
        return ""
    return f"no C++ compiler found ({compiler}): merging eagerly, many times slower; install g++ or clang++"


def _missing_on_gpu() -> str:
    if find_spec("triton") is None:
        return "no Triton found: merging eagerly on the GPU, several times slower; install triton"
    named = os.environ.get("CC")
    if any(map(shutil.which, [named] if named else ["gcc", "clang", "cc"])):
        return ""
    return (
        f"no C compiler found ({named or 'gcc'}), which Triton calls: merging eagerly on the GPU, several"
        " times slower; install gcc or clang"
    )


def _eager_chunk(tensor: Tensor) -> int:
    return _EAGER_CHUNK if tensor.device.type == "cpu" else _GPU_CHUNK


@dataclass
class _Compiled:
    """torch.compile's code for one kernel; where making it fails, that is said, and the pass runs eagerly."""

    kernel: Kernel
    code: Callable[..., None]

    def __call__(self, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]) -> None:
        from torch._dynamo.exc import FailOnRecompileLimitHit, ShortenTraceback

        try:
            self.code(self.kernel, out, inputs, numbers)
        except (ShortenTraceback, FailOnRecompileLimitHit) as error:  # of compilers, before anything ran
            say_failed(error)
            self.code = run_eagerly
            run_eagerly(self.kernel, out, inputs, numbers)


@cache
def _compiled(kernel: Kernel, device: str) -> _Compiled:
    """torch.compile keeps a few compilations per code object, so every kernel gets one of its own."""
    name = f"merge_{_name(kernel)}"
    code = run_eagerly.__code__.replace(co_name=name)
    own = types.FunctionType(code, run_eagerly.__globals__, name)
    options = OPTIONS if device == "cpu" else {**OPTIONS, **_GPU_OPTIONS}
    return _Compiled(kernel, torch.compile(own, dynamic=True, fullgraph=True, options=options))


def _name(kernel: Kernel) -> str:
    """One that is the same in every process, as compiled code is found again by it."""
    return re.sub(r"\W+", "_", repr(kernel)).strip("_")
