"""A candidate into the transformers engine in place: what it holds afterwards, what it answers, how long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.candidates import traffic
from benchmarks.copying import open_yardstick, settle
from benchmarks.gpu.agreeing import merged
from benchmarks.gpu.families import SERVED, Family, family
from benchmarks.gpu.merging_speed import measured
from benchmarks.gpu.part import Row, Task, WrongError, attempt
from benchmarks.gpu.residing import same_bytes
from evaluators.engines.engine import Likelihood
from evaluators.engines.transformers import TransformersEngine
from merging.methods.registry import METHODS
from merging.worker import Candidate

METHOD = "task_arithmetic"
PAIRS = tuple((f"w{3 * i + 2} w{i + 5} w{7 * i + 3}", f" w{i + 11} w{2 * i + 4}") for i in range(16))


def rows(task: Task) -> Iterator[Row]:
    """What is held, what is answered, and the times."""
    found = family(task, SERVED)
    engine = TransformersEngine(found.folders[0], device=task.device)
    yield attempt(task, "weights", lambda: _weights(found, engine))
    yield attempt(task, "answers", lambda: _answers(found, engine))
    yield attempt(task, "speed", lambda: _speed(task, found, engine))
    engine.close()


def _candidate(found: Family, engine: TransformersEngine, repetition: int) -> Candidate:
    method = METHODS[METHOD]
    return Candidate(found.worker(method, str(engine.device)), found.recipe(method, repetition))


def _weights(found: Family, engine: TransformersEngine) -> dict[str, Any]:
    method = METHODS[METHOD]
    wanted = merged(found.worker(method, "cpu"), found.recipe(method, 1), torch.bfloat16, False)
    engine.load(_candidate(found, engine, 1))
    held: dict[str, Tensor] = engine.model.state_dict()
    other = [
        name for name, tensor in wanted.items() if not same_bytes(held[name].cpu(), tensor.to(engine.dtype))
    ]
    figures = {"engine": engine.description, "tensors": len(wanted), "others": len(other)}
    if other:
        raise WrongError(f"the engine holds other bytes than the CPU makes: {', '.join(other[:3])}", figures)
    return figures


def _answers(found: Family, engine: TransformersEngine) -> dict[str, Any]:
    """One candidate, another, and the first again."""
    said: list[list[Likelihood]] = []
    for repetition in (1, 2, 1):
        engine.load(_candidate(found, engine, repetition))
        said.append(engine.loglikelihood(PAIRS))
    words = engine.generate([pair[0] for pair in PAIRS], [], 8)
    first, second, again = said
    figures = {
        "pairs": len(PAIRS),
        "first": first[0].logprob,
        "second": second[0].logprob,
        "again the same": first == again,
        "tokens": sum(each.tokens for each in words),
    }
    if first != again or first == second:
        raise WrongError("answers do not follow the weights", figures)
    return figures


def _speed(task: Task, found: Family, engine: TransformersEngine) -> dict[str, Any]:
    method, device = METHODS[METHOD], torch.device(task.device)
    worker = found.worker(method, task.device)
    buffers = worker.buffers(found.recipe(method, 0))

    def candidate(repetition: int) -> None:
        worker.merge_into(found.recipe(method, repetition), buffers)
        settle(device)

    def load(repetition: int) -> None:
        engine.load(Candidate(worker, found.recipe(method, repetition)))
        settle(device)

    yardstick = open_yardstick(found.folders, task.device)
    moved = traffic(method, found.models.nbytes)
    return measured(yardstick, moved, {"candidate": candidate, "merge and load": load}, task.repetitions)
