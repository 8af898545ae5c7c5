"""A plan that does not fit is refused with figures and what helps, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from merging.errors import TrainingError
from merging.fusion.training.memory import (
    Need,
    _available,
    _group_room,
    ensure_fits,
    estimate,
    free_memory,
)
from merging.fusion.training.settings import Lora, Settings
from merging.models.checkpoint import open_checkpoint

TINY = open_checkpoint(Path(__file__).parents[4] / "examples" / "tiny" / "base")
PARAMETERS = 718_336
NEED = Need(weights=2 * 10**9, gradients=2 * 10**9, optimizer=4 * 10**9, activations=6 * 10**9)


def test_weights_gradients_and_adamw_take_sixteen_bytes_a_parameter() -> None:
    assert sum(info.numel for info in TINY.tensors.values()) == PARAMETERS
    need = estimate(TINY, Settings(), tokens=100, examples=4)
    assert (need.weights, need.gradients, need.optimizer) == (4 * PARAMETERS, 4 * PARAMETERS, 8 * PARAMETERS)
    per_token = 4 * 4 * (14 * 128 + 4 * 288) + 3 * 4 * 99
    assert need.activations == 400 * per_token
    assert need.total == 16 * PARAMETERS + 400 * per_token


def test_autocast_halves_activations_and_adapters_spare_gradients() -> None:
    whole, half = (estimate(TINY, Settings(dtype=d), 100, 4) for d in ("float32", "bfloat16"))
    assert whole.activations / 2 < half.activations < whole.activations
    lora = estimate(TINY, Settings(lora=Lora(rank=4)), 100, 4)
    trained = 4 * 4 * (4 * (128 + 128) + 3 * (128 + 288))  # layers × rank × ends of its seven matrices
    assert (lora.gradients, lora.optimizer) == (4 * trained, 8 * trained)
    assert lora.weights == 4 * (PARAMETERS + trained)


def test_a_plan_that_fits_passes() -> None:
    ensure_fits(NEED, 14 * 10**9, Settings(), tokens=2048, examples=8)


def test_a_plan_that_does_not_is_told_with_figures_and_remedies() -> None:
    with pytest.raises(TrainingError) as told:
        ensure_fits(NEED, 11 * 10**9, Settings(), tokens=2048, examples=8)
    assert str(told.value) == (
        "training needs about 14.0 GB of memory (2.0 GB weights, 2.0 GB gradients, 4.0 GB optimizer, 6.0 GB"
        " activations of 8 × 2048 tokens) and 11.0 GB are free; set training.lora, or lower"
        " training.micro_batch (now 8), or lower training.max_length (the longest example has 2048 tokens)"
    )
    with pytest.raises(TrainingError, match=r"are free; lower training\.max_length \(the longest"):
        ensure_fits(NEED, 11 * 10**9, Settings(lora=Lora()), tokens=2048, examples=1)


def test_free_memory_is_what_the_machine_and_a_container_leave(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 5 kB\nMemAvailable:      40 kB\n")
    assert _available(tmp_path / "meminfo") == 40 * 1024
    assert _group_room(tmp_path) > 1 << 60
    (tmp_path / "memory.max").write_text("max\n")
    assert _group_room(tmp_path) > 1 << 60
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 5\nactive_file 7\ninactive_file 200\n")
    assert _group_room(tmp_path) == 500
    assert 1 << 20 < free_memory(torch.device("cpu")) < 1 << 50
