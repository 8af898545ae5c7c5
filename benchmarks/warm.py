"""Warm candidates: models mapped, statistics made, kernels compiled, buffers reused, as in a search."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.candidates import SPECTRAL, recipe, traffic
from benchmarks.copying import Yardstick, open_yardstick, settle
from benchmarks.neighbours import QUIET, Neighbours
from benchmarks.samples import Samples, clock, in_turns, say
from merging.methods.registry import Method
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from merging.recipe import ModelRef
from merging.worker import MergeWorker

_LIMITS = {"linear": 2.0, "task_arithmetic": 2.0, "ties": 3.0}
_LIMIT = 6.0


@dataclass(frozen=True)
class WarmResult:
    """A method's warm candidates, in turns with copies of the same traffic."""

    method: str
    device: str
    traffic: int
    first: float
    """Seconds of the first candidate: statistics and compilation."""
    copy: Samples
    candidate: Samples
    neighbours: float
    """Cores that other processes kept busy meanwhile."""

    @property
    def disturbed(self) -> bool:
        """Whether the times are not to be trusted."""
        return self.neighbours > QUIET

    @property
    def limit(self) -> float | None:
        """Most times a copy's time that a warm candidate may take; None where matrices are decomposed."""
        return None if self.method in SPECTRAL else _LIMITS.get(self.method, _LIMIT)


@dataclass(frozen=True)
class Models:
    """Opened models, the base first, with the references by which recipes know them."""

    checkpoints: Sequence[Checkpoint]
    refs: Sequence[ModelRef]
    layers: int
    nbytes: int


def open_models(folders: Sequence[Path], layers: int, nbytes: int) -> Models:
    """Open and fingerprint the models."""
    checkpoints = [open_checkpoint(folder) for folder in folders]
    refs = [ModelRef(str(each.path), survey(each).digest) for each in checkpoints]
    return Models(checkpoints, refs, layers, nbytes)


def devices() -> list[str]:
    """Where merges run on this machine."""
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def measure_warm(
    models: Models, methods: Sequence[Method], device: str, repetitions: int, patience: float = 0.0
) -> Iterator[WarmResult]:
    """Time each method's candidates on a device; so many seconds are spent on waiting for a quiet machine."""
    torch.set_num_threads(cores())
    yardstick = open_yardstick([each.path for each in models.checkpoints], device)
    for method in methods:
        result = _measure(models, method, device, yardstick, repetitions, patience)
        say(
            f"warm {device} {method.name}: {result.candidate.median:.3f} s, copy {result.copy.median:.3f} s,"
            f" first {result.first:.1f} s{_warning(result)}"
        )
        yield result
        gc.collect()


def warm_run(models: Models, method: Method, device: str) -> Callable[[int], None]:
    """Makes the candidate of a repetition, into buffers that stay."""
    n = len(recipe(method, models.refs, models.layers, 0).experts)
    worker = MergeWorker(
        models.checkpoints[0], models.checkpoints[1 : n + 1], models.refs[0], models.refs[1 : n + 1], device
    )
    buffers: Any = worker.buffers(recipe(method, models.refs, models.layers, 0))

    def run(repetition: int) -> None:
        worker.merge_into(recipe(method, models.refs, models.layers, repetition), buffers)
        settle(torch.device(device))

    return run


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _warning(result: WarmResult) -> str:
    return f"; others kept {result.neighbours:.1f} cores busy" if result.disturbed else ""


def _measure(
    models: Models, method: Method, device: str, yardstick: Yardstick, repetitions: int, patience: float
) -> WarmResult:
    moved = traffic(method, models.nbytes)
    run = warm_run(models, method, device)
    first = clock(lambda: run(-2))
    neighbours = Neighbours(patience)
    runs = {"copy": lambda _: yardstick.copy(moved), "candidate": run}
    taken = in_turns(runs, repetitions, turn=neighbours.turn)
    return WarmResult(method.name, device, moved, first, taken["copy"], taken["candidate"], neighbours.cores)
