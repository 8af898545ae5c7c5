"""Tiny models that wrap a language model, as transformers saves them, and fine-tunes of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from merging.layout import other_part

LAYERS, VISION_LAYERS = 2, 3
_TOKENS = {"vocab_size": 24, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
_SIZE = {"hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 32}
_TEXT = {**_TOKENS, **_SIZE, "num_hidden_layers": LAYERS, "num_key_value_heads": 2, "head_dim": 8}
_TOWER = {**_SIZE, "num_hidden_layers": VISION_LAYERS, "image_size": 28, "patch_size": 14}
_BLOCKS = {
    "depth": VISION_LAYERS,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_heads": 4,
    "out_hidden_size": 16,
    "patch_size": 14,
}
_LINEAR = {f"linear_num_{which}_heads": 2 for which in ("key", "value")} | {
    f"linear_{which}_head_dim": 8 for which in ("key", "value")
}
_ROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}}
CONFIGS: dict[str, dict[str, Any]] = {
    "gemma3": {"text_config": _TEXT, "vision_config": _TOWER, "mm_tokens_per_image": 4},
    "qwen2_5_vl": {
        "text_config": {**_TEXT, **_ROPE},
        "vision_config": {**_BLOCKS, "fullatt_block_indexes": [1]},
    },
    "qwen3_5": {
        "text_config": {**_TEXT, **_LINEAR, "layer_types": ["linear_attention", "full_attention"]},
        "vision_config": {**_BLOCKS, "num_position_embeddings": 16},
    },
    "llava": {
        "text_config": {"model_type": "llama", **_TEXT},
        "vision_config": {"model_type": "clip_vision_model", "projection_dim": 8, **_TOWER},
    },
}
BESIDE = {
    "gemma3": {"vision_tower", "multi_modal_projector"},
    "qwen2_5_vl": {"visual"},
    "qwen3_5": {"model.visual"},
    "llava": {"vision_tower", "multi_modal_projector"},
}
TEXT_TYPES = {"gemma3": "gemma3_text", "qwen2_5_vl": "qwen2", "qwen3_5": "qwen3_5_text", "llava": "llama"}


def write_wrapped(folder: Path, kind: str) -> Path:
    """A random model of this type."""
    from transformers import AutoModelForImageTextToText

    return _write(folder, kind, CONFIGS[kind], AutoModelForImageTextToText)


def write_alone(folder: Path, kind: str) -> Path:
    """A model that is such a one's language model alone."""
    from transformers import AutoModelForCausalLM

    text = {key: value for key, value in CONFIGS[kind]["text_config"].items() if key != "model_type"}
    return _write(folder, TEXT_TYPES[kind], text, AutoModelForCausalLM)


def fine_tuned(base: Path, folder: Path, seed: int, moves: Callable[[str], bool] | None = None) -> Path:
    """The base with small changes of the tensors that `moves` names: those of the language model."""
    folder.mkdir(parents=True)
    for file in base.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    random = torch.Generator().manual_seed(seed)
    moved = moves or (lambda name: other_part(name) is None)
    tensors = {
        name: tensor + 0.05 * torch.randn(tensor.shape, generator=random) if moved(name) else tensor
        for name, tensor in sorted(weights(base).items())
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a model's one file."""
    return load_file(folder / "model.safetensors")


def _write(folder: Path, kind: str, config: dict[str, Any], model_class: Any) -> Path:
    from transformers import AutoConfig

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers' own
        made = model_class.from_config(AutoConfig.for_model(kind, **config), dtype=torch.float32)
        made.save_pretrained(folder)
    return folder
