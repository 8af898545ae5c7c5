"""Where the workers of one machine compute: one GPU each, or their share of its cores."""

from __future__ import annotations

import os
from collections.abc import Mapping

from evaluators.engines.gpus import VISIBLE, visible_gpus
from search.errors import SearchError
from search.study_file.spec import EngineSpec

THREADS = "OMP_NUM_THREADS"


def places(engine: EngineSpec, workers: int) -> tuple[Mapping[str, str], ...]:
    """What each worker's environment has of its own.

    Raises:
        SearchError: there are GPUs, but too few for so many workers.
    """
    gpus = () if engine.name == "fake" else visible_gpus()
    if not gpus:
        return (_threads(workers),) * workers
    each = engine.tensor_parallel
    if workers * each > len(gpus):
        raise SearchError(_too_few(workers, each, len(gpus)))
    parts = (gpus[i * each : (i + 1) * each] for i in range(workers))
    return tuple({VISIBLE: ",".join(part)} for part in parts)


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
