"""Whether a training fits into memory, told before any of it is taken."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from merging.errors import TrainingError
from merging.fusion.training.settings import Lora, Settings
from merging.models.checkpoint import Checkpoint
from merging.models.writer import readable_size

_FLOAT = 4
_ADAMW = 2
"""Moments that AdamW keeps of each parameter."""
_LOGITS = 3
"""Arrays as large as the logits: themselves in float32, the rows that teach, and their gradient."""


@dataclass(frozen=True)
class Need:
    """Bytes that training takes."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations


def estimate(model: Checkpoint, settings: Settings, tokens: int, examples: int) -> Need:
    """What it takes to train a model, by its headers and config, `examples` of `tokens` tokens at a time.

    Activations are those that a transformer layer with a gated MLP keeps for the way back, all attention
    weights recomputed; a rough figure for other layers.
    """
    shapes = [info.shape for info in model.tensors.values()]
    parameters = sum(map(math.prod, shapes))
    trained = parameters if settings.lora is None else _adapter(model, settings.lora)
    added = 0 if settings.lora is None else trained
    return Need(
        weights=_FLOAT * (parameters + added),
        gradients=_FLOAT * trained,
        optimizer=_FLOAT * _ADAMW * trained,
        activations=examples * tokens * _per_token(model.config, settings),
    )


def ensure_fits(need: Need, free: int, settings: Settings, tokens: int, examples: int) -> None:
    """Refuse a plan that needs more than is free; raises TrainingError with the figures and what helps."""
    if need.total <= free:
        return
    remedies = [] if settings.lora else ["set training.lora"]
    remedies += [f"lower training.micro_batch (now {examples})"] if examples > 1 else []
    remedies += [f"lower training.max_length (the longest example has {tokens} tokens)"]
    size = readable_size
    raise TrainingError(
        f"training needs about {size(need.total)} of memory ({size(need.weights)} weights,"
        f" {size(need.gradients)} gradients, {size(need.optimizer)} optimizer, {size(need.activations)}"
        f" activations of {examples} × {tokens} tokens) and {size(free)} are free; {', or '.join(remedies)}"
    )


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device: a GPU's, or this machine's as far as its control group lets us."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_available(Path("/proc/meminfo")), _group_room(Path("/sys/fs/cgroup")))


def _available(meminfo: Path) -> int:
    found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text()) if meminfo.is_file() else None
    return int(found[1]) * 1024 if found else 1 << 62  # not Linux: nobody says


def _group_room(group: Path) -> int:
    """What a container's limit leaves; pages of files that it holds can be had back."""
    limit = group / "memory.max"
    if not limit.is_file() or limit.read_text().strip() == "max":
        return 1 << 62
    cached = re.search(r"^inactive_file (\d+)$", (group / "memory.stat").read_text(), re.MULTILINE)
    used = int((group / "memory.current").read_text()) - (int(cached[1]) if cached else 0)
    return int(limit.read_text()) - used


def _adapter(model: Checkpoint, lora: Lora) -> int:
    """Parameters of two thin matrices beside each linear layer."""
    matrices = [
        info.shape
        for name, info in model.tensors.items()
        if len(info.shape) == 2 and "embed" not in name and "lm_head" not in name
    ]
    return sum(lora.rank * (rows + columns) for rows, columns in matrices)


def _per_token(config: Mapping[str, Any], settings: Settings) -> int:
    text = config.get("text_config") or config
    hidden = int(text.get("hidden_size") or text.get("n_embd") or 0)
    inner = int(text.get("intermediate_size") or text.get("n_inner") or 4 * hidden)
    layers = int(text.get("num_hidden_layers") or text.get("n_layer") or 0)
    vocabulary = int(text.get("vocab_size") or 0)
    width = 2 if settings.dtype == "bfloat16" else _FLOAT
    return width * layers * (14 * hidden + 4 * inner) + _FLOAT * _LOGITS * vocabulary
