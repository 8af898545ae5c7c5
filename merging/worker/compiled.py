"""Kernels over flat tensors on a CPU, compiled once per machine and kept on disk as libraries.

`torch.compile` keeps its code, too, but finding it again takes 3 s in every process: imports, traces, guards.
A library that `torch.export` and AOTInductor make of the same kernel is loaded in a millisecond, and called
in 10 µs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import platform
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merging.models.fingerprint import cache_root
from merging.models.writer import whole_file

Kernel = Callable[..., Tensor]
Pass = Callable[[Tensor, Sequence[Tensor], Mapping[str, Tensor]], None]
"""Fills its first argument with what a kernel makes of flat inputs and small tensors by name."""

SHORTEST = 16
"""Elements that a compiled pass takes at least: below, code would be made for that very size."""

LONGEST = 1 << 30
"""Elements it takes at most: positions fit 32 bits, and a mask's keys hold for as many."""

_USUAL = 1 << 20
"""Elements in the examples that are compiled for: of short ones code would be made without threads."""

OPTIONS: dict[str, Any] = {
    # Nothing between the first load and the store goes through memory.
    "realize_opcount_threshold": 10_000,
    "realize_reads_threshold": 10_000,
    # The processor's word is enough that it has AVX: trying it out takes a second in each process.
    "cpp.vec_isa_ok": True,
}

_DEFINED_IN = (
    "worker/compiled",
    "worker/kernels",
    "methods/operators",
    "methods/geometry",
    "methods/masks",
    "methods/selection",
    "methods/spectral",
    "methods/sums",
)
"""Modules of this room that determine what a kernel computes."""

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Library:
    """A folder of compiled kernels, and those that were loaded; processes may share it."""

    folder: Path = field(default_factory=lambda: cache_root() / "kernels")
    loaded: dict[Key, Pass | None] = field(default_factory=dict, compare=False, repr=False)
    """By what they are for; None for what was looked for and is not kept."""

    def get(
        self, kernel: Kernel, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]
    ) -> Pass:
        """The pass for arguments like these, of any length; compiled if no process has done so before.

        Where compiling fails, that is said once, and the pass runs eagerly.
        """
        found = self.find(kernel, out, inputs, numbers)
        if found is None:
            key = _key(kernel, out, inputs, numbers)
            found = self.loaded[key] = self._made(_name(key), kernel, (out, inputs, numbers))
        return found

    def find(
        self, kernel: Kernel, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]
    ) -> Pass | None:
        """The pass for arguments like these, if a process has compiled it before."""
        key = _key(kernel, out, inputs, numbers)
        if key not in self.loaded:
            self.loaded[key] = self._kept(_name(key))
        return self.loaded[key]

    def _kept(self, name: str) -> Pass | None:
        for path in self.folder.glob(f"{name}-*.so"):
            with contextlib.suppress(RuntimeError, OSError):  # gone meanwhile, or not to be loaded from there
                if path.stem == f"{name}-{_digest(path)}":  # else damaged: loading it could end the process
                    return _opened(path)
        return None

    def _made(self, name: str, kernel: Kernel, example: tuple[Any, ...]) -> Pass:
        try:
            return self._make(name, kernel, example)
        except (RuntimeError, OSError) as error:
            say_failed(error)
            return lambda out, inputs, numbers: run_eagerly(kernel, out, inputs, numbers)

    def _make(self, name: str, kernel: Kernel, example: tuple[Any, ...]) -> Pass:
        with tempfile.TemporaryDirectory(prefix="crucible-kernel-") as scratch:
            made = _compile(kernel, Path(scratch), *example)
            kept = self.folder / f"{name}-{_digest(made)}.so"
            # A read-only or full home must not stop a merge.
            with contextlib.suppress(OSError), whole_file(kept) as temporary:
                shutil.copyfile(made, temporary)
            return _opened(made)

    def __getstate__(self) -> dict[str, object]:
        """Loaded code does not travel between processes."""
        return {"folder": self.folder, "loaded": {}}


def _key(kernel: Kernel, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]) -> Key:
    return (
        kernel,
        out.dtype,
        *(tensor.dtype for tensor in inputs),
        *((name, number.dtype, number.shape) for name, number in sorted(numbers.items())),
        torch.get_num_threads() > 1,  # else the code has no threads
    )


def _name(key: Key) -> str:
    return hashlib.sha256(json.dumps([repr(key), *_circumstances()]).encode()).hexdigest()


def run_eagerly(kernel: Kernel, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]) -> None:
    """Fill `out` with the kernel's result, cast to its dtype."""
    out.copy_(kernel(*inputs, **numbers))


def say_failed(error: BaseException) -> None:
    """Tell that, and why, a kernel runs eagerly."""
    first, *more = str(error).strip().splitlines() or [type(error).__name__]
    reason = f"{first} {more[0].strip()}" if first.endswith(":") and more else first
    logging.getLogger(__name__).warning(
        "compiling a merge kernel failed (%s): merging eagerly, many times slower", reason
    )


def _opened(library: Path) -> Pass:
    """The pass in a library; what a public function of torch does, less the import of its compiler."""
    from torch._C._aoti import AOTIModelContainerRunnerCpu

    run = AOTIModelContainerRunnerCpu(str(library), 1).run

    def run_compiled(out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]) -> None:
        given = (*inputs, *(numbers[name] for name in sorted(numbers)))
        run([out, *(tensor.contiguous() for tensor in given)])  # strides are part of the code

    return run_compiled


def _compile(
    kernel: Kernel, scratch: Path, out: Tensor, inputs: Sequence[Tensor], numbers: Mapping[str, Tensor]
) -> Path:
    """A library of this kernel, in the scratch folder, for tensors like these of any length."""
    from torch._inductor import aoti_compile_and_package

    names = sorted(numbers)

    class Module(torch.nn.Module):
        def forward(self, out: Tensor, inputs: list[Tensor], given: list[Tensor]) -> None:
            run_eagerly(kernel, out, inputs, dict(zip(names, given, strict=True)))

    n = torch.export.Dim("n", min=SHORTEST, max=LONGEST)
    # Tensors of their own, for inputs that are one another's would be compiled as such.
    own = torch.empty(_USUAL, dtype=out.dtype), [torch.empty(_USUAL, dtype=each.dtype) for each in inputs]
    given = [torch.ones_like(numbers[name]) for name in names]
    dynamic: Any = ({0: n}, [{0: n}] * len(inputs), [{}] * len(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of its own deprecations
        program = torch.export.export(Module(), (*own, given), dynamic_shapes=dynamic, strict=False)
        package = aoti_compile_and_package(
            program, package_path=str(scratch / "kernel.pt2"), inductor_configs=OPTIONS
        )
    with zipfile.ZipFile(package) as archive:
        (library,) = (name for name in archive.namelist() if name.endswith(".so"))
        return Path(archive.extract(library, scratch))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@cache
def _circumstances() -> tuple[str, ...]:
    """What besides its arguments decides a kernel's code: definitions, torch, options, the processor."""
    room = Path(__file__).parents[1]
    definitions = b"".join((room / f"{name}.py").read_bytes() for name in _DEFINED_IN)
    return (
        hashlib.sha256(definitions).hexdigest(),
        torch.__version__,
        json.dumps(OPTIONS, sort_keys=True),
        platform.machine(),
        torch.backends.cpu.get_cpu_capability(),
        _features(),
    )


def _features() -> str:
    """The processor's instruction sets, for the code uses all of them; "" where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        return next((line.strip() for line in lines if line.startswith(("flags", "Features"))), "")
    return ""
