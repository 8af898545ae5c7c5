"""How full a worker's GPUs are, asked of NVIDIA's own tool: torch would take memory on each to find out."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EVERY_S = 15.0
"""Seconds that a reading is good for: beats come more often than it is worth asking."""
ANSWER_S = 10.0
MIB = 2**20


def with_gpus(
    stats: Callable[[], Mapping[str, Any]], gpus: Sequence[str | int] | None = None
) -> Callable[[], dict[str, Any]]:
    """`stats` as a beat takes it, with `gpus` added where there are any: see `gpu_memory`.

    Without `gpus`, those of CUDA_VISIBLE_DEVICES, or all. It returns at once, with what was read last.
    """
    meter = _Meter(gpus)

    def both() -> dict[str, Any]:
        readings = meter.readings()
        return {**stats(), **({"gpus": readings} if readings else {})}

    return both


@dataclass
class _Meter:
    """Reads in a thread of its own: a driver that hangs must not hold up a beat."""

    gpus: Sequence[str | int] | None
    last: list[dict[str, Any]] = field(default_factory=list)
    began: float = float("-inf")
    reading: threading.Thread | None = None

    def readings(self) -> list[dict[str, Any]]:
        """What was read last; reads again where that is long ago."""
        idle = self.reading is None or not self.reading.is_alive()
        if idle and time.monotonic() - self.began >= EVERY_S:
            self.began = time.monotonic()
            self.reading = threading.Thread(target=self._read, name="crucible gpus", daemon=True)
            self.reading.start()
        return self.last

    def _read(self) -> None:
        self.last = gpu_memory(visible() if self.gpus is None else self.gpus)


def visible() -> list[str] | None:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves to this process; None for all."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if named is None else [each.strip() for each in named.split(",") if each.strip()]


def gpu_memory(gpus: Sequence[str | int] | None = None) -> list[dict[str, Any]]:
    """Per GPU (an index or a UUID; all by default) `gpu`, `used` and `total`, in bytes.

    [] where there is no NVIDIA driver, or one that does not answer.
    """
    if gpus is not None and not gpus:
        return []
    which = [] if gpus is None else [f"--id={','.join(map(str, gpus))}"]
    ask = ["nvidia-smi", *which, "--query-gpu=index,memory.used,memory.total"]
    try:
        said = subprocess.run(
            [*ask, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []  # no reason to stop a worker
    lines = said.stdout.splitlines() if said.returncode == 0 else []
    return [_read(line) for line in lines if _is_reading(line)]


def _is_reading(line: str) -> bool:
    """Parts of a GPU (MIG) have no memory of their own to tell of: `[N/A]`."""
    cells = [cell.strip() for cell in line.split(",")]
    return len(cells) == 3 and all(cell.isdigit() for cell in cells)


def _read(line: str) -> dict[str, Any]:
    gpu, used, total = (int(cell) for cell in line.split(","))
    return {"gpu": str(gpu), "used": used * MIB, "total": total * MIB}
