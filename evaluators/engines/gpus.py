"""Which GPUs this process may use, told without touching any of them, and the memory that they have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> tuple[str, ...]:
    """Their names as CUDA_VISIBLE_DEVICES has them; those that it names, else all of this machine."""
    said = os.environ.get(VISIBLE)
    if said is not None:
        return tuple(each.strip() for each in said.split(",") if each.strip() not in ("", "-1"))
    # The driver's own files: asking torch would take seconds.
    found = sorted(
        int(path.name[6:]) for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()
    )
    return tuple(map(str, range(len(found))))


@dataclass(frozen=True)
class Gpu:
    """Memory of one GPU, in bytes."""

    free: int
    total: int


def gpu_memory(names: Sequence[str]) -> list[Gpu]:
    """Of the GPUs of these names as CUDA_VISIBLE_DEVICES has them; nothing of those that cannot be asked."""
    import torch

    visible = visible_gpus()
    if not torch.cuda.is_available():
        return []
    return [Gpu(*torch.cuda.mem_get_info(visible.index(name))) for name in names]
