"""Models of a single matrix, adapters, and permuted vocabularies, made in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from merging.layout import vocabulary_tensors
from merging.models.checkpoint import Checkpoint, read_header
from tests.merging.pico import VOCABULARY, Pico, write_json, write_model

MATRIX = "model.layers.0.mlp.up_proj.weight"


def matrix_models(folder: Path, *matrices: Tensor, name: str = MATRIX) -> list[Checkpoint]:
    """A checkpoint for each matrix, its only tensor."""
    found = []
    for place, matrix in enumerate(matrices):
        own = folder / f"model{place}"
        own.mkdir(parents=True)
        save_file({name: matrix.contiguous()}, own / "model.safetensors")
        found.append(Checkpoint(own, read_header(own / "model.safetensors"), {}))
    return found


def noise(seed: int, *shape: int) -> Tensor:
    """Normal numbers in float32."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def write_adapter(folder: Path, pico: Pico, seed: int, base: str | None = None) -> Path:
    """A LoRA of all query projections, rank 2; `base` is what its config names."""
    folder.mkdir(parents=True)
    h = pico.hidden
    tensors = {}
    for layer in range(pico.layers):
        module = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{module}.lora_A.weight"] = noise(seed + layer, 2, h) * 0.1
        tensors[f"{module}.lora_B.weight"] = noise(seed + 100 + layer, h, 2) * 0.1
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"]}
    write_json(folder / "adapter_config.json", {**config, "base_model_name_or_path": base})
    return folder


def write_renumbered(
    folder: Path, tensors: Mapping[str, Tensor], pico: Pico, vocabulary: Sequence[str]
) -> Path:
    """A model with its tokens in another order, or some more at the end: the rows go along."""
    known = {token: row for row, token in enumerate(VOCABULARY)}
    rows = [known.get(token, 3) for token in vocabulary]
    own = dict(tensors)
    for name in vocabulary_tensors(own):
        own[name] = own[name][rows]
    return write_model(folder, own, Pico(pico.layers, pico.hidden, tuple(vocabulary), pico.tied, pico.dtype))
