"""What a training will take, told before anything is loaded: for whoever plans several."""

from __future__ import annotations

import torch

from merging.fusion.training.memory import ensure_fits, estimate, free_memory
from merging.fusion.training.settings import Settings
from merging.fusion.training.train import ON_CPU
from merging.models.checkpoint import Checkpoint
from merging.models.writer import checkpoint_bytes


def check_memory(model: Checkpoint, settings: Settings, tokens: int, rows: int) -> None:
    """Refuse a training of `rows` examples of at most `tokens` tokens that this machine has no memory for.

    Where accelerate is configured for several processes, each finds out for itself.

    Raises:
        TrainingError: the figures, and what helps.
    """
    device = _device()
    examples = min(
        settings.micro_batch or (ON_CPU if device.type == "cpu" else settings.batch), settings.batch, rows
    )
    need = estimate(model, settings, min(tokens, settings.max_length), examples)
    ensure_fits(need, free_memory(device), settings, tokens, examples)


def training_bytes(model: Checkpoint, settings: Settings, rows: int) -> int:
    """What a training takes on disk at most: the trained model, and two checkpoints while one is replaced."""
    steps = settings.epochs * -(-rows // settings.batch)
    need = estimate(model, settings, 0, 0)
    state = 0 if settings.checkpoint_every >= steps else 2 * (need.weights + need.optimizer)
    return checkpoint_bytes(model, "float32") + state


def room_for(model: Checkpoint) -> tuple[int, int]:
    """Bytes that a model takes when it teaches, and how many are free where it would."""
    device = _device()
    width = 4 if device.type == "cpu" else 2
    return width * sum(info.numel for info in model.tensors.values()), free_memory(device)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
