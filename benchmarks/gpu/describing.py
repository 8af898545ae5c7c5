"""The machine and its software, as far as they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import torch

from benchmarks.gpu.part import Row, SkippedError, Task, attempt
from benchmarks.machine import describe_machine

_PACKAGES = ("triton", "safetensors", "numpy", "transformers", "vllm")


def rows(task: Task) -> Iterator[Row]:
    """One row; skipped where there is no such device."""
    yield attempt(task, "machine", lambda: _machine(task.device))


def _machine(device: str) -> dict[str, Any]:
    if device == "cuda" and not torch.cuda.is_available():
        raise SkippedError(f"torch {torch.__version__} sees no CUDA device")
    known: dict[str, Any] = {
        **asdict(describe_machine()),
        "torch": torch.__version__,
        **{name: _version(name) for name in _PACKAGES},
    }
    return known | (_gpu() if device == "cuda" else {})


def _gpu() -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(0)
    free, total = torch.cuda.mem_get_info()
    return {
        "gpu": properties.name,
        "gpu_memory_bytes": total,
        "gpu_free_bytes": free,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "cuda": torch.version.cuda,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown" if find_spec(package) else None
