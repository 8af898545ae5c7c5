"""Where the workers of one machine compute: one GPU each, or their share of its cores."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from evaluators.engines.gpus import VISIBLE, visible_gpus
from search.errors import SearchError
from search.study_file.spec import EngineSpec
from studies.store.identity import JSON
from studies.store.presence import is_gone, is_here
from studies.workers.worker import Worker

logger = logging.getLogger(__name__)

THREADS = "OMP_NUM_THREADS"


def places(engine: EngineSpec, workers: int, in_use: Collection[str] = ()) -> tuple[Mapping[str, str], ...]:
    """What each worker's environment has of its own; GPUs that are `in_use` come last.

    Raises:
        SearchError: there are GPUs, but too few for so many workers.
    """
    gpus = () if engine.name == "fake" else visible_gpus()
    if not gpus:
        return (_threads(workers),) * workers
    each = engine.tensor_parallel
    if workers * each > len(gpus):
        raise SearchError(_too_few(workers, each, len(gpus)))
    gpus = tuple(sorted(gpus, key=lambda gpu: gpu in in_use))[: workers * each]
    if shared := [gpu for gpu in gpus if gpu in in_use]:
        logger.warning("too few GPUs are free: other workers compute on GPU %s, too", ",".join(shared))
    parts = (gpus[i * each : (i + 1) * each] for i in range(workers))
    return tuple({VISIBLE: ",".join(part)} for part in parts)


def own_gpus(engine: EngineSpec) -> list[str] | None:
    """The GPUs of this process: those that it was given, else those that its engine takes; None on cores."""
    if VISIBLE in os.environ:
        return [each for each in os.environ[VISIBLE].split(",") if each]
    taken = () if engine.name == "fake" else visible_gpus()[: engine.tensor_parallel]
    return list(taken) or None


def gpus_in_use(workers: Iterable[Worker]) -> frozenset[str]:
    """The GPUs on which workers of this machine, of those that the register has, compute just now.

    None where CUDA_VISIBLE_DEVICES says which to take: whoever says so means it, and in two jobs that a
    scheduler has fenced in the same names are different GPUs.
    """
    if VISIBLE in os.environ:
        return frozenset()
    here = (each for each in workers if is_here(each.process) and not is_gone(each.process))
    return frozenset(str(gpu) for each in here for gpu in _said(each))


def _said(worker: Worker) -> Sequence[JSON]:
    gpus = worker.place.get("gpus")
    return gpus if isinstance(gpus, list) else []


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads(workers: int) -> int:
    """Of each of so many workers on this machine's cores."""
    return max(1, cores() // workers)


def _threads(workers: int) -> Mapping[str, str]:
    """What the user said of threads is for each worker."""
    return {} if THREADS in os.environ else {THREADS: str(threads(workers))}


def _too_few(workers: int, each: int, found: int) -> str:
    of_each = "one GPU each" if each == 1 else f"{each} GPUs each (engine.tensor_parallel)"
    most = found // each
    remedy = f"write --workers {most}" if most else "lower engine.tensor_parallel"
    return (
        f"--workers {workers}: take {of_each}, but there {'is' if found == 1 else 'are'} {found} here;"
        f" {remedy}, or set {VISIBLE} empty to use the cores"
    )
