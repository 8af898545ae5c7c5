"""The models that are merged: a Llama-like base and experts, made from a seed and streamed to disk."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merging.models.checkpoint import WEIGHTS
from merging.models.safetensors_file import reserve, write_file

_STAMP = "built.json"
"""Written last: a folder without it was not finished."""
_SPREAD = 0.02


@dataclass(frozen=True)
class Shape:
    """The size of a model, and the seed of its numbers; as it stands, 0.37B parameters in 219 tensors."""

    hidden: int = 1024
    intermediate: int = 2816
    layers: int = 24
    heads: int = 16
    vocabulary: int = 32000
    change: float = 0.015
    """Spread of a task vector, in spreads of the base's weights: as large as fine-tuning makes it."""
    seed: int = 0

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        layers = range(self.layers)
        blocks = {f"model.layers.{i}.{name}": shape for i in layers for name, shape in self._block().items()}
        table = (self.vocabulary, self.hidden)
        return {
            "model.embed_tokens.weight": table,
            **blocks,
            "model.norm.weight": (self.hidden,),
            "lm_head.weight": table,
        }

    def config(self) -> dict[str, Any]:
        """What `config.json` says."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "vocab_size": self.vocabulary,
            "max_position_embeddings": 2048,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
        }

    @property
    def nbytes(self) -> int:
        """Bytes of all weights in bfloat16."""
        return 2 * sum(math.prod(shape) for shape in self.tensors().values())

    def _block(self) -> dict[str, tuple[int, ...]]:
        h, wide = self.hidden, self.intermediate
        return {
            "input_layernorm.weight": (h,),
            **{f"self_attn.{part}_proj.weight": (h, h) for part in "qkvo"},
            "post_attention_layernorm.weight": (h,),
            "mlp.gate_proj.weight": (wide, h),
            "mlp.up_proj.weight": (wide, h),
            "mlp.down_proj.weight": (h, wide),
        }


def build_models(folder: Path, shape: Shape, experts: int, device: str = "cpu") -> list[Path]:
    """Folders of the base and so many experts; what was built before is kept.

    Each device draws its own numbers; a GPU takes seconds where a CPU takes a minute.
    """
    return [build_model(folder / _role(i), shape, i, device) for i in range(experts + 1)]


def build_model(folder: Path, shape: Shape, i: int, device: str = "cpu") -> Path:
    """Write model `i`, 0 being the base, unless it is there; one tensor at a time is in memory."""
    stamp = json.dumps(asdict(shape) | ({} if device == "cpu" else {"device": device}))
    if not _is_built(folder, stamp):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _STAMP).unlink(missing_ok=True)
        (folder / "config.json").write_text(json.dumps(shape.config(), indent=1) + "\n")
        file, shapes = folder / WEIGHTS, shape.tensors()
        reserve(file, shapes, "bfloat16")
        write_file(file, shapes, "bfloat16", ((name, make_tensor(shape, i, name, device)) for name in shapes))
        (folder / _STAMP).write_text(stamp)
    return folder


def make_tensor(shape: Shape, i: int, name: str, device: str = "cpu") -> Tensor:
    """One tensor of model `i`: an expert is the base, as it was rounded, plus small normal noise."""
    size = shape.tensors()[name]
    centre = 1.0 if len(size) == 1 else 0.0  # norms scale by about 1
    base = (_noise(shape, 0, name, device) * _SPREAD + centre).to(torch.bfloat16)
    if i == 0:
        return base
    return (base.float() + _noise(shape, i, name, device) * (_SPREAD * shape.change)).to(torch.bfloat16)


def _noise(shape: Shape, i: int, name: str, device: str) -> Tensor:
    """Normal numbers of a stream of their own, so that no tensor depends on which were made before."""
    digest = hashlib.sha256(f"{shape.seed}/{i}/{name}".encode()).digest()
    random = torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "little"))
    return torch.randn(shape.tensors()[name], generator=random, device=device)


def _is_built(folder: Path, stamp: str) -> bool:
    file = folder / _STAMP
    return file.is_file() and file.read_text() == stamp


def _role(i: int) -> str:
    return f"expert-{i}" if i else "base"
