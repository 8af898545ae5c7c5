"""Models by name alone, for what reads and writes configs: no file, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from merging.layout import layer_index
from merging.mergekit.read import from_mergekit
from merging.models.checkpoint import TensorInfo
from merging.recipe import ModelRef, Parameters, Recipe

MODULES = ("self_attn.q_proj", "mlp.up_proj", "mlp.down_proj", "input_layernorm")
OUTER = ("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight")
SOURCE = Path("merge.yaml")


def tensors(layers: int) -> dict[str, TensorInfo]:
    """Tensors of a model with so many layers."""
    names = [*OUTER, *(f"model.layers.{i}.{module}.weight" for i in range(layers) for module in MODULES)]
    return {name: TensorInfo("bfloat16", (1,), Path("m")) for name in names}


TENSORS = tensors(4)


def open_model(name: str) -> tuple[ModelRef, Mapping[str, TensorInfo]]:
    """Any model; it has four layers, `/deep` has six."""
    path, _, revision = name.partition("@")
    return ModelRef(path, f"content of {path}", revision or None), tensors(6) if path == "/deep" else TENSORS


def read(text: str, compat: str | None = None) -> Recipe:
    """The recipe of a mergekit config over these models."""
    return from_mergekit(text, SOURCE, open_model, compat)


def for_each_tensor(recipe: Recipe) -> dict[str, Parameters]:
    """What a recipe says of every tensor of the merged model."""
    return {name: recipe.parameters_for(name, layer_index(name)) for name in tensors(recipe.depth)}
