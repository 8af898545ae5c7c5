"""Recipes as mergekit's YAML, from which mergekit 0.1.5 makes the same checkpoint where nothing is random.

mergekit's "slice" is a layer group here. Its filters are substrings of a tensor's name, the first
that matches wins; where that says too little, full names do, those that contain others first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from merging.layout import layer_index, layer_order
from merging.methods import find_method
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule

Value = float | bool
Reader = Callable[[Parameters], Value]

_SHARED: Mapping[str, Reader] = {
    "lambda": lambda parameters: parameters.lambda_,
    "normalize": lambda parameters: parameters.normalize,
    "rescale": lambda parameters: parameters.rescale,
}


def to_mergekit(
    recipe: Recipe, names: Iterable[str], densities: Mapping[str, tuple[float, ...]] | None = None
) -> str:
    """The recipe as mergekit's YAML; `names` are the model's tensors.

    `densities` (see `MergeWorker.kept_densities`) replace the recipe's for single tensors, so that mergekit's
    unstable sort has no choice among tied magnitudes.
    """
    names = layer_order(names)
    method = find_method(recipe.method)
    config = {
        "merge_method": recipe.method,
        "base_model": _model(recipe.base),
        "slices": [
            _slice(recipe, group, _tensors_of(recipe, group, names), densities or {})
            for group in recipe.layers
        ],
        "dtype": "float32",
        "out_dtype": recipe.dtype,
    }
    draws = method.sparsifier == "bernoulli"
    promise = (
        "draws random masks of its own, so its checkpoint differs" if draws else "makes the same checkpoint"
    )
    header = (
        f"# Crucible's recipe {recipe.digest}\n# mergekit 0.1.5 {promise}: mergekit-yaml THIS_FILE OUT_DIR\n"
    )
    return header + yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=1000)


@dataclass(frozen=True)
class _Tensor:
    """A tensor that a group's settings reach, with the parameters it must get."""

    name: str
    outer: bool
    parameters: Parameters


def _tensors_of(recipe: Recipe, group: LayerGroup, names: list[str]) -> list[_Tensor]:
    """Tensors of a group's layers; mergekit reads those in no layer from the first and the last slice."""
    at_edge = group in (recipe.layers[0], recipe.layers[-1])
    layers = {name: layer_index(name) for name in names}
    return [
        _Tensor(name, layer is None, recipe.parameters_for(name, layer))
        for name, layer in layers.items()
        if (layer is None and at_edge) or (layer is not None and group.start <= layer < group.stop)
    ]


def _slice(
    recipe: Recipe, group: LayerGroup, tensors: list[_Tensor], densities: Mapping[str, tuple[float, ...]]
) -> dict[str, Any]:
    method = find_method(recipe.method)
    layers = [group.start, group.stop]
    sources = [{"model": _model(recipe.base), "layer_range": [*layers]}] if method.on_task_vectors else []
    for i, expert in enumerate(recipe.experts):
        parameters = {"weight": _setting(group.rules, tensors, _entry("weight", i))}
        if "density" in method.parameters:
            exact = {name: values[i] for name, values in densities.items()}
            parameters["density"] = _setting(group.rules, tensors, _entry("density", i), exact)
        sources.append({"model": _model(expert), "layer_range": [*layers], "parameters": parameters})
    shared = {
        name: _setting(group.rules, tensors, reader)
        for name, reader in _SHARED.items()
        if name in method.parameters
    }
    return {"sources": sources, "parameters": shared}


def _setting(
    rules: tuple[Rule, ...],
    tensors: list[_Tensor],
    read: Reader,
    exact: Mapping[str, float] | None = None,
) -> Value | list[dict[str, Value | str]]:
    """One parameter as a plain value, or as filters of which the last has none."""
    values = {tensor.name: (exact or {}).get(tensor.name, read(tensor.parameters)) for tensor in tensors}
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    spelled = any(len(rule.match) > 1 for rule in rules)
    by_name = {tensor.name for tensor in tensors if tensor.outer or spelled or tensor.name in (exact or {})}
    by_name |= {name for name in values if any(part in name for part in by_name)}
    specific_first = sorted(
        filter(by_name.__contains__, values), key=lambda n: -sum(part in n for part in by_name)
    )
    filters: list[dict[str, Value | str]] = [{"filter": n, "value": values[n]} for n in specific_first]
    if not spelled:
        filters += [{"filter": rule.match[0], "value": read(rule.parameters)} for rule in rules if rule.match]
    return [*filters, {"value": read(rules[-1].parameters)}]


def _entry(field: str, i: int) -> Reader:
    return lambda parameters: getattr(parameters, field)[i]


def _model(model: ModelRef) -> str | dict[str, Any]:
    """A model as mergekit names it; `+` would mean a LoRA and `@` a revision, so those are spelled out."""
    if "+" in model.path or "@" in model.path:
        return {"model": {"path": model.path, "revision": model.revision}}
    return f"{model.path}@{model.revision}" if model.revision else model.path
