"""Pico models: Llama checkpoints of a few kilobytes that transformers loads, made in a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from merging.layout import n_layers
from merging.methods.registry import METHODS
from merging.models.checkpoint import open_checkpoint
from merging.models.fingerprint import survey
from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from merging.worker import MergeWorker

VOCABULARY = ("<pad>", "<s>", "</s>", *map(chr, range(32, 61)))  # 32 tokens


@dataclass(frozen=True)
class Pico:
    """A Llama of a few thousand parameters, with grouped queries, in one file or several shards."""

    layers: int = 2
    hidden: int = 16
    vocabulary: tuple[str, ...] = VOCABULARY
    tied: bool = False
    dtype: torch.dtype = torch.bfloat16
    shards: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        h, inner = self.hidden, 2 * self.hidden
        attention = {"q": (h, h), "k": (h // 2, h), "v": (h // 2, h), "o": (h, h)}
        block = {f"self_attn.{key}_proj.weight": shape for key, shape in attention.items()}
        block |= {
            "mlp.gate_proj.weight": (inner, h),
            "mlp.up_proj.weight": (inner, h),
            "mlp.down_proj.weight": (h, inner),
        }
        block |= {"input_layernorm.weight": (h,), "post_attention_layernorm.weight": (h,)}
        layers = {
            f"model.layers.{i}.{name}": shape for i in range(self.layers) for name, shape in block.items()
        }
        outer = {"model.embed_tokens.weight": (len(self.vocabulary), h), "model.norm.weight": (h,)}
        head = {} if self.tied else {"lm_head.weight": (len(self.vocabulary), h)}
        return {**outer, **layers, **head}

    def base(self, seed: int = 0) -> dict[str, Tensor]:
        """Random weights; norms near 1, as in trained models."""
        random = torch.Generator().manual_seed(seed)
        return {
            name: (torch.randn(shape, generator=random) * 0.1 + (len(shape) == 1)).to(self.dtype)
            for name, shape in self.shapes().items()
        }

    def expert(self, base: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
        """A fine-tune: the base plus a small change, whose magnitudes tie in bfloat16."""
        random = torch.Generator().manual_seed(1000 + seed)
        return {
            name: (tensor.float() + torch.randn(tensor.shape, generator=random) * 0.01).to(self.dtype)
            for name, tensor in base.items()
        }


def write_model(folder: Path, tensors: Mapping[str, Tensor], pico: Pico) -> Path:
    """Write a checkpoint that transformers loads: weights, config, tokenizer, generation config."""
    folder.mkdir(parents=True)
    _write_weights(folder, dict(tensors), pico.shards)
    write_json(folder / "config.json", _config(pico))
    write_json(folder / "tokenizer.json", _tokenizer(pico.vocabulary))
    write_json(
        folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}
    )
    write_json(folder / "generation_config.json", {"eos_token_id": 2})
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def write_family(folder: Path, pico: Pico | None = None, experts: int = 3) -> tuple[Path, list[Path]]:
    """A base and its experts below `folder`: `base`, `expert0`, `expert1`, …"""
    pico = pico or Pico()
    base = pico.base()
    paths = [write_model(folder / f"expert{i}", pico.expert(base, i), pico) for i in range(experts)]
    return write_model(folder / "base", base, pico), paths


def open_family(folder: Path, pico: Pico | None = None, experts: int = 3) -> MergeWorker:
    """A family written below `folder`, surveyed and opened."""
    base, paths = write_family(folder, pico, experts)
    models = [open_checkpoint(path) for path in (base, *paths)]
    refs = [ModelRef(str(m.path), survey(m, folder / "cache").digest) for m in models]
    return MergeWorker(models[0], tuple(models[1:]), refs[0], tuple(refs[1:]))


def recipe_of(
    worker: MergeWorker, method: str, weight: tuple[float, ...], density: float = 1.0, **changes: Any
) -> Recipe:
    """A recipe that treats the whole model alike; `changes` are fields of Parameters or Recipe."""
    of_recipe = {key: changes.pop(key) for key in ("dtype", "seed") if key in changes}
    fields = {"normalize": METHODS[method].normalize, "rescale": METHODS[method].rescale, **changes}
    parameters = Parameters(weight, (density,) * len(weight), **fields)
    layers, outer = whole_model(parameters, n_layers(worker.base.tensors))
    refs = worker.base_ref, tuple(worker.expert_refs)
    return Recipe(*refs, method, layers, outer, **{"dtype": "bfloat16", **of_recipe})


def write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1))


def edit_json(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file in place, as a careless person would."""
    data = json.loads(path.read_text())
    edit(data)
    write_json(path, data)


def _write_weights(folder: Path, tensors: dict[str, Tensor], shards: int) -> None:
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    files = {f"model-{i + 1:05d}-of-{shards:05d}.safetensors": names[i::shards] for i in range(shards)}
    for file, own in files.items():
        save_file({name: tensors[name] for name in own}, folder / file, metadata={"format": "pt"})
    weight_map = {name: file for file, own in files.items() for name in own}
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})


def _config(pico: Pico) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": pico.hidden,
        "intermediate_size": 2 * pico.hidden,
        "num_hidden_layers": pico.layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "vocab_size": len(pico.vocabulary),
        "tie_word_embeddings": pico.tied,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "dtype": str(pico.dtype).removeprefix("torch."),
        **pico.config,
    }


def _tokenizer(vocabulary: tuple[str, ...]) -> dict[str, Any]:
    """One token per character."""
    special = [
        {"id": i, "content": token, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for i, token in enumerate(vocabulary[:3])
    ]
    split = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    model = {
        "type": "WordLevel",
        "vocab": {token: i for i, token in enumerate(vocabulary)},
        "unk_token": "<pad>",
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": split,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": model,
    }
