"""A candidate into vLLM, where it is installed: merged in its process, swapped, checked, and asked.

A load checks checksums, the reset of the prefix cache and the canary's answer itself, and fails unless all
hold. The engine's busy share is that of its answering in rounds of one load and as many answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from torch import Tensor

from benchmarks.gpu.families import SERVED, Family, family
from benchmarks.gpu.part import Row, SkippedError, Task, WrongError, attempt
from benchmarks.gpu.swapping import METHOD, PAIRS
from benchmarks.warm import open_models
from evaluators.engines.vllm.engine import VllmEngine, check_installed
from evaluators.errors import EngineError
from merging.methods.registry import METHODS
from merging.worker import MergeWorker

_MEMORY = 0.5
"""Of the GPU's, for vLLM; models that are merged there need room beside it."""


@dataclass(frozen=True)
class Travelling:
    """A candidate that is made where it arrives: its family's folders and its repetition."""

    found: _Where
    repetition: int
    device: str = "cpu"

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        made, worker = _opened(self.found, self.device)
        return worker.tensors(made.recipe(METHODS[METHOD], self.repetition))

    def on(self, device: str) -> Travelling:
        """The same, merged on another device."""
        return replace(self, device=device)


@dataclass(frozen=True)
class _Where:
    folders: tuple[Path, ...]
    layers: int
    nbytes: int


@lru_cache(maxsize=1)
def _opened(where: _Where, device: str) -> tuple[Family, MergeWorker]:
    models = open_models(where.folders, where.layers, where.nbytes)
    made = Family(replace(SERVED, layers=where.layers), models, where.folders)
    return made, made.worker(METHODS[METHOD], device)


def rows(task: Task) -> Iterator[Row]:
    """The start, swaps with their parts, and rounds of swap and answers."""
    try:
        check_installed()
    except EngineError as missing:
        yield {"name": "vllm", "status": "skipped", "reason": str(missing)}
        return
    found = family(task, SERVED)
    engine = VllmEngine(found.folders[0], gpu_memory=_MEMORY)
    try:
        yield (started := attempt(task, "start", lambda: _start(engine, found)))
        if started["status"] == "ok":
            yield attempt(task, "answers", lambda: _answers(engine, found))
            yield attempt(task, "rounds", lambda: _rounds(task, engine, found))
    finally:
        engine.close()


def _source(found: Family, repetition: int) -> Travelling:
    return Travelling(_Where(found.folders, found.shape.layers, found.shape.nbytes), repetition)


def _start(engine: VllmEngine, found: Family) -> dict[str, Any]:
    began = time.monotonic()
    engine.load(_source(found, 0))
    return {"engine": engine.description, "start and first load s": time.monotonic() - began}


def _answers(engine: VllmEngine, found: Family) -> dict[str, Any]:
    said = []
    for repetition in (1, 2, 1):
        engine.load(_source(found, repetition))
        said.append([each.logprob for each in engine.loglikelihood(PAIRS)])
    first, second, again = said
    apart = max(abs(one - other) for one, other in zip(first, again, strict=True))
    moved = max(abs(one - other) for one, other in zip(first, second, strict=True))
    figures = {
        "pairs": len(PAIRS),
        "first again, apart": apart,
        "second, apart": moved,
        "canary": "no answer for this architecture" if engine._warned else "agreed at every load",
    }
    if not apart < moved:
        raise WrongError("answers do not follow the weights", figures)
    return figures


def _rounds(task: Task, engine: VllmEngine, found: Family) -> dict[str, Any]:
    """Rounds of a search: a swap, then as many answers as a small study asks for."""
    prompts = [f"w{i % 100 + 2} w{i % 7 + 30} w{i % 13 + 50}" for i in range(8 if task.small else 256)]
    spent: list[dict[str, float]] = []
    for repetition in range(3, 3 + task.repetitions):
        began = time.monotonic()
        engine.load(_source(found, repetition))
        loaded = time.monotonic()
        engine.generate(prompts, [], 4 if task.small else 64)
        ended = time.monotonic()
        parts = {f"{name} s": seconds for name, seconds in engine.swap_seconds.items()}
        spent.append(
            {**parts, "load s": loaded - began, "answers s": ended - loaded, "round s": ended - began}
        )
    if not spent:
        raise SkippedError("no round fitted")
    medians = {name: median(each[name] for each in spent) for name in spent[0]}
    busy = sum(each["answers s"] for each in spent) / sum(each["round s"] for each in spent)
    return {"rounds": len(spent), "prompts": len(prompts), **medians, "engine busy": busy, "samples": spent}
