"""Targets of other architectures are trained, and come back under the names their checkpoints had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.models.gemma3 import Gemma3ForCausalLM, Gemma3TextConfig
from transformers.models.gpt2 import GPT2Config, GPT2LMHeadModel
from transformers.models.mixtral import MixtralConfig, MixtralForCausalLM
from transformers.models.qwen2 import Qwen2Config, Qwen2ForCausalLM

from merging.fusion.training.example import Example
from merging.fusion.training.settings import Objective, Settings
from merging.fusion.training.train import train
from merging.models.checkpoint import open_checkpoint

SMALL = {
    "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64, "head_dim": 8,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
MODELS = {
    "qwen2, untied": lambda: Qwen2ForCausalLM(Qwen2Config(**SMALL, tie_word_embeddings=False)),
    "gemma3, tied": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**SMALL)),
    "mixtral, its experts in one tensor when loaded": lambda: MixtralForCausalLM(
        MixtralConfig(**SMALL, num_local_experts=2, num_experts_per_tok=2)
    ),
    "gpt2, its matrices transposed": lambda: GPT2LMHeadModel(
        GPT2Config(
            vocab_size=32, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=1
        )
    ),
}


@pytest.fixture(params=MODELS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    MODELS[request.param]().to(torch.bfloat16).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def examples() -> list[Example]:
    rng = np.random.default_rng(0)
    return [Example(np.array([2, 3, *rng.permutation(8) + 4]), 2) for _ in range(4)]


def ce(folder: Path) -> float:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        return sum(
            model(torch.from_numpy(e.ids)[None], labels=torch.tensor([[-100, -100, *e.ids[2:]]])).loss.item()
            for e in examples()
        ) / len(examples())


def test_what_was_trained_is_what_is_loaded(folder: Path, tmp_path: Path) -> None:
    rows: list[float] = []
    settings = Settings(Objective("labels"), epochs=20, batch=4, rate=2e-2, warmup=0)
    out = train(
        folder, examples(), tmp_path / "out", settings, record=lambda _, metrics: rows.append(metrics["ce"])
    )
    before, after = open_checkpoint(folder), open_checkpoint(out)
    assert {name: info.shape for name, info in after.tensors.items()} == {
        name: info.shape for name, info in before.tensors.items()
    }
    assert rows[0] == pytest.approx(ce(folder), rel=0.02)
    assert rows[-1] < 0.9 * rows[0]
    assert ce(out) == pytest.approx(rows[-1], rel=0.05), "the loss of the last step, but for it and rounding"
