"""mergekit's YAML, read: one method over whole models, with its filters, gradients and levels of parameters.

What mergekit would do and we do not (stacking layers, tokenizer surgery, other methods) is named and refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merging.dialect_out import to_mergekit
from merging.dialect_parse import Slice, check_keys, entries_of, mapping_of, model_name, need, read_slices
from merging.dialect_rules import Column, columns_of, rules_of
from merging.errors import RecipeError
from merging.layout import is_embedding, layer_index, layer_order, n_layers
from merging.methods import find_method
from merging.recipe import LayerGroup, ModelRef, Recipe, Rule, parse_yaml

if TYPE_CHECKING:
    from merging.checkpoint import TensorInfo

__all__ = ["from_mergekit", "load_config", "to_mergekit"]

OpenModel = Callable[[str], tuple[ModelRef, "Mapping[str, TensorInfo]"]]
"""From a model's name in the file to the model by content, and its tensors by name."""

_KEYS = (
    "merge_method",
    "base_model",
    "models",
    "slices",
    "parameters",
    "dtype",
    "out_dtype",
    "tokenizer_source",
)


def load_config(path: Path, open_model: OpenModel) -> Recipe:
    """The recipe in a file of either dialect, told apart by the key `crucible_recipe`.

    Raises:
        RecipeError: the file cannot be read, or means no merge; it is named, and the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({error}); give a recipe or a mergekit config") from None
    data = parse_yaml(text, str(path))
    return Recipe.from_dict(data, str(path)) if "crucible_recipe" in data else _recipe(data, path, open_model)


def from_mergekit(text: str, source: Path, open_model: OpenModel) -> Recipe:
    """The recipe that a mergekit config means; `open_model` is asked once for each model that it names.

    Raises:
        RecipeError: the config asks for what is not done here; `source` and the field are named.
    """
    return _recipe(parse_yaml(text, str(source)), source, open_model)


def _recipe(config: Mapping[str, Any], source: Path, open_model: OpenModel) -> Recipe:
    try:
        return _read(config, open_model)
    except RecipeError as error:
        raise RecipeError(f"{source}: {error}") from None


def _read(config: Mapping[str, Any], open_model: OpenModel) -> Recipe:
    config = {key: value for key, value in config.items() if value is not None}
    check_keys(config, _KEYS, "")
    if config.get("tokenizer_source", "base") != "base":
        raise RecipeError(
            "tokenizer_source: only 'base' is known here; the merge keeps the base model's tokenizer"
        )
    method = find_method(str(need(config, "merge_method", "")))
    named = model_name(config["base_model"], "base_model") if config.get("base_model") else None
    if named is None and method.on_task_vectors:
        raise RecipeError(f"base_model: missing; {method.name} adds to a base")
    base_name = named or _first_model(config)
    base, tensors = open_model(base_name)
    slices = read_slices(config, n_layers(tensors))
    experts = [s.model for s in slices[0].sources if s.model != base_name or not method.on_task_vectors]
    if not experts:
        raise RecipeError("models: only the base is named; add an expert")
    columns = [
        columns_of(method, piece, experts, mapping_of(config.get("parameters"), "parameters"))
        for piece in slices
    ]
    opened = {base_name: base, **{name: open_model(name)[0] for name in experts if name != base_name}}
    return Recipe(
        base=base,
        experts=tuple(opened[name] for name in experts),
        method=method.name,
        layers=_layers(slices, columns, tensors, len(experts)),
        outer=_outer(columns, tensors, len(experts)),
        dtype=_dtype(config, tensors),
    )


def _first_model(config: Mapping[str, Any]) -> str:
    """Without a base, the first model gives config and tokenizer."""
    entries = (
        entries_of(config, "models")
        if "models" in config
        else entries_of(entries_of(config, "slices")[0], "sources", "slices[0]")
    )
    return model_name(need(entries[0], "model", "models[0]"), "models[0]")


def _layers(
    slices: Sequence[Slice], columns: Sequence[list[Column]], names: Mapping[str, Any], experts: int
) -> tuple[LayerGroup, ...]:
    groups: list[LayerGroup] = []
    for piece, settings in zip(slices, columns, strict=True):
        start, stop = piece.layers
        for layer in range(start, stop):
            t = (layer - start) / (stop - start - 1) if stop - start > 1 else 1.0
            own = [name for name in names if layer_index(name) == layer]
            rules = rules_of(settings, own, t, experts)
            if groups and groups[-1].rules == rules:
                groups[-1] = LayerGroup(groups[-1].start, layer + 1, rules)
            else:
                groups.append(LayerGroup(layer, layer + 1, rules))
    return tuple(groups)


def _outer(columns: Sequence[list[Column]], names: Mapping[str, Any], experts: int) -> tuple[Rule, ...]:
    """mergekit reads embeddings from the first slice, norm and head from the last, all at its beginning."""
    rules = []
    for name in layer_order(name for name in names if layer_index(name) is None):
        (rule,) = rules_of(columns[0 if is_embedding(name) else -1], [name], 0.0, experts)
        rules.append(Rule((name,), rule.parameters))
    rules.sort(key=lambda rule: -len(rule.match[0]))
    if len({rule.parameters for rule in rules}) == 1:
        rules = rules[-1:]
    return (*rules[:-1], Rule((), rules[-1].parameters))


def _dtype(config: Mapping[str, Any], tensors: Mapping[str, TensorInfo]) -> str:
    """The type that is written; arithmetic is in float32, which mergekit does only if `dtype` says so."""
    arithmetic = config.get("dtype")
    if arithmetic != "float32":
        logging.getLogger(__name__).warning(
            "dtype: merging in float32, not in %s as mergekit would; results are a rounding apart",
            arithmetic or "the stored dtype",
        )
    stored = tensors[layer_order(tensors)[0]].dtype
    return str(config.get("out_dtype") or arithmetic or stored).removeprefix("torch.")
