"""Where models live during a search, planned before anything is allocated, and how their tensors get there.

On the CPU they stay mapped from their files. On a GPU they are copied to its memory once, if all of them fit
beside a candidate; else each tensor passes through pinned host memory, one ahead of the merge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any, Literal

import torch
from torch import Tensor

from merging.models.checkpoint import Checkpoint
from merging.models.safetensors_file import Shapes, data_bytes
from merging.models.writer import donor_shapes, readable_size
from merging.worker.staging import Loaded, Stage, lane_to

Mode = Literal["mapped", "resident", "streamed"]

_MARGIN = 0.1
"""Share of a GPU's free memory that is left alone: kernels, fragments, other tensors of the engine."""

_STATISTIC = 5
"""Bytes per element: 4 where all magnitudes are kept; else 20 for each different one, a quarter at most."""

_SORTING = 8
"""Bytes per element while a tensor's magnitudes are sorted, where most of them differ."""

Source = tuple[Hashable, Tensor]
"""A tensor on the CPU, and the name of its content: what has the same name is copied to a device once.

None names nothing: a tensor of one candidate, which is copied each time, and whose copy nobody keeps.
"""


@dataclass(frozen=True)
class MemoryPlan:
    """What a search will take, in bytes; `free` and `total` are the GPU's memory, None on the CPU."""

    mode: Mode
    device: str
    dtype: str
    models: int
    """Tensors of all models, those that they share counted once."""
    candidate: int
    largest_tensor: str
    largest_output: int
    """That tensor of the candidate: what one candidate takes of memory that is not mapped."""
    statistics: tuple[int, ...]
    """On disk at most, for each expert."""
    sorting: int
    """Memory at most, while the largest tensor's statistics are made for the first time."""
    staging: int
    """Each of the two pinned buffers; 0 unless streamed."""
    free: int | None = None
    total: int | None = None

    @property
    def room(self) -> float:
        """Bytes on the device beside a candidate, for copies that stay; infinite where nothing is copied."""
        return math.inf if self.free is None else self.free * (1 - _MARGIN) - self.candidate

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def to_text(self) -> str:
        """Some aligned lines."""
        size = readable_size
        lines = {
            "models": f"{size(self.models)}, {self._where()}",
            "candidate": f"{size(self.candidate)} in {self.dtype}, made tensor by tensor",
            "memory": f"{size(self.largest_output)} for {self.largest_tensor}, the largest tensor; up to"
            f" {size(self.sorting)} while statistics are first made",
            "statistics": f"up to {size(sum(self.statistics))} in the cache on disk, far less for most"
            " bfloat16 models; only methods that cut by magnitude need them",
        }
        return "\n".join(f"{label:<12}{text}" for label, text in lines.items())

    def _where(self) -> str:
        if self.free is None:
            return "mapped from disk: the system drops and rereads their pages as it needs"
        of_total = "" if self.total is None else f" of {readable_size(self.total)}"
        free = f"{readable_size(self.free)}{of_total} free"
        if self.mode == "resident":
            return f"copied once to {self.device}, which has {free}"
        return f"streamed to {self.device}, which has only {free}, through 2 x {readable_size(self.staging)}"


def plan(
    base: Checkpoint,
    experts: Sequence[Checkpoint],
    dtype: str,
    device: str,
    *,
    shapes: Shapes | None = None,
    free: int | None = None,
) -> MemoryPlan:
    """Plan where models live; allocates nothing and reads no weights.

    `shapes` are the candidate's, if not the base's. `free` is the GPU's free memory, asked of it by default.
    """
    shapes, total = shapes or donor_shapes(base), None
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu and free is None:
        free, total = torch.cuda.mem_get_info(device)
    models, candidate = _distinct_bytes((base, *experts)), data_bytes(shapes, dtype)
    mode: Mode = "mapped" if free is None or not on_gpu else _mode_on_gpu(models + candidate, free)
    largest = max(shapes, key=lambda name: math.prod(shapes[name]))
    return MemoryPlan(
        mode=mode,
        device=device,
        dtype=dtype,
        models=models,
        candidate=candidate,
        largest_tensor=largest,
        largest_output=data_bytes({largest: shapes[largest]}, dtype),
        statistics=tuple(_STATISTIC * _numel(expert) for expert in experts),
        sorting=_SORTING * math.prod(shapes[largest]),
        staging=_staging((base, *experts)) if mode == "streamed" else 0,
        free=free if on_gpu else None,
        total=total,
    )


def _mode_on_gpu(needed: int, free: int) -> Mode:
    return "resident" if needed <= free * (1 - _MARGIN) else "streamed"


def _distinct_bytes(models: Sequence[Checkpoint]) -> int:
    """Bytes of all tensors; those that a model has of another's files, as adapters leave them, count once."""
    tensors = {(info.file, name): info.nbytes for model in models for name, info in model.tensors.items()}
    return sum(tensors.values())


def _numel(model: Checkpoint) -> int:
    return sum(info.numel for info in model.tensors.values())


def _staging(models: Sequence[Checkpoint]) -> int:
    """Bytes for one tensor of each model, whichever those are; torch pins powers of two."""
    needed = sum(max(info.nbytes for info in model.tensors.values()) for model in models)
    return 1 << (needed - 1).bit_length()


@dataclass
class Residence:
    """Hands out tensors where the merge runs, as planned; what it has copied stays for the next candidate."""

    mode: Mode
    device: str
    staging: int = 0
    room: float = math.inf
    """Bytes for copies that stay: models were planned to fit, statistics may be as large again."""
    _resident: dict[Hashable, Tensor] = field(default_factory=dict, repr=False, compare=False)
    _stages: tuple[Stage, ...] = field(default=(), repr=False, compare=False)
    _held: int = field(default=0, repr=False, compare=False)

    def stream(
        self, names: Iterable[str], read: Callable[[str], Sequence[Source]]
    ) -> Iterator[tuple[str, list[Tensor]]]:
        """Each name with the tensors that `read` gives for it, in that order, on the device.

        Models must not change as long as a residence lives. Tensors belong to it, or to a model: read only.
        """
        if self.mode == "streamed":
            yield from self._streamed(names, read)
            return
        for name in names:
            sources = read(name)
            yield name, [self._kept(each) if self.mode == "resident" else each[1] for each in sources]

    def _kept(self, source: Source) -> Tensor:
        content, tensor = source
        key = _identity(source)
        if key in self._resident:
            return self._resident[key]
        copy = tensor.to(self.device)
        if content is not None and self._held + copy.nbytes <= self.room:
            self._resident[key], self._held = copy, self._held + copy.nbytes
        return copy

    def _streamed(
        self, names: Iterable[str], read: Callable[[str], Sequence[Source]]
    ) -> Iterator[tuple[str, list[Tensor]]]:
        """One set ahead: while the device merges one, the next is read and sent."""
        if not self._stages:
            lane = lane_to(self.device)
            self._stages = Stage(lane, self.staging), Stage(lane, self.staging)
        ahead: tuple[str, list[Hashable], Loaded] | None = None
        for name, stage in zip(names, cycle(self._stages)):
            sources = read(name)
            loaded = stage.load({_identity(source): source[1] for source in sources})
            if ahead is not None:
                yield _arrived(*ahead)
            ahead = name, [_identity(source) for source in sources], loaded
        if ahead is not None:
            yield _arrived(*ahead)

    def __getstate__(self) -> dict[str, Any]:
        """Copies do not travel between processes."""
        return {**self.__dict__, "_resident": {}, "_stages": (), "_held": 0}


def _identity(source: Source) -> Hashable:
    content, tensor = source
    name = content if content is not None else ("unnamed", id(tensor))
    return name, tensor.dtype, tensor.shape


def _arrived(name: str, keys: Sequence[Hashable], loaded: Loaded) -> tuple[str, list[Tensor]]:
    copies = loaded.take()
    return name, [copies[key] for key in keys]
