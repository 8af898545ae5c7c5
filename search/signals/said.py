"""What workers said of themselves with their last beat, read with care: any version may have written it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studies.workers.worker import Worker


@dataclass(frozen=True)
class GpuMemory:
    """One GPU's memory, in bytes."""

    name: str
    """Its number on its machine."""
    used: float
    total: float


def number(worker: Worker, stat: str) -> float:
    """A number of a worker's stats; 0 where it has not said it."""
    return _number(worker.stats.get(stat))


def tokens_per_second(worker: Worker) -> float:
    """Over the worker's life; 0 for one that has hardly begun."""
    alive = number(worker, "alive_s")
    return number(worker, "tokens") / alive if alive > 0 else 0.0


def busy_share(worker: Worker) -> float:
    """Of the worker's life, the share in which its engine was answering, 0 to 1."""
    alive = number(worker, "alive_s")
    return min(1.0, number(worker, "busy_s") / alive) if alive > 0 else 0.0


def gpus_of(worker: Worker) -> list[GpuMemory]:
    """What the worker said of its GPUs' memory, if it has any."""
    said = worker.stats.get("gpus")
    if not isinstance(said, list):
        return []
    found = [each for each in said if isinstance(each, dict) and "gpu" in each]
    return [
        GpuMemory(str(each["gpu"]), _number(each.get("used")), _number(each.get("total"))) for each in found
    ]


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return 0.0
    return max(0.0, float(value))
