"""mergekit's YAML, read: every method of the registry, over whole models or slices of them, with its filters,
gradients and levels of parameters.

What mergekit would do and we do not (modules, settings of single tokens) is named and refused. What
`model+lora` means is for the one to say who opens models.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merging.errors import RecipeError
from merging.layout import is_embedding, layer_index, layer_order, n_layers
from merging.mergekit.frame import (
    Slice,
    base_named,
    check_keys,
    mapping_of,
    model_name,
    models_named,
    need,
    read_slices,
)
from merging.mergekit.inputs import Inputs, inputs_of
from merging.mergekit.rules import Column, Named, columns_of, rules_of, without_effect
from merging.mergekit.tokens import Tokens, read_tokens
from merging.mergekit.write import to_mergekit
from merging.methods.registry import Method, find_method
from merging.recipe import LayerGroup, ModelRef, Recipe, Rule
from merging.recipe.recipe import COMPAT, DTYPES, check_word
from merging.recipe.stacking import joined, rename_layer
from merging.recipe.yaml_text import parse_yaml
from merging.shown import shown

if TYPE_CHECKING:
    from merging.models.checkpoint import TensorInfo

__all__ = ["Config", "Tokens", "from_mergekit", "load_config", "read_mergekit", "to_mergekit"]

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
    "tokenizer",
    "chat_template",
)
_OWN_KEYS = ("compat", "seed", "config_source")
"""What mergekit leaves unread: its arithmetic or ours, the seed of masks, and the model whose config is
taken: beside a base_model one of the models, without one any that has the same tensors."""
_REFUSED = {
    "modules": "models of several modules are not merged here; use 'models' or 'slices'",
    "name": "one file holds one merge here; run the merges of a chain one by one",
}


@dataclass(frozen=True)
class Config:
    """What a config file asks for: the merge, and what becomes of tokenizer and chat template."""

    recipe: Recipe
    tokens: Tokens = field(default_factory=Tokens)
    text: str = field(default="", compare=False, repr=False)
    """The file as it was read."""
    config_source: str | None = None
    """The model, by its name in the file, whose config the output has where that is not the base."""

    @property
    def tokenizer_source(self) -> str | None:
        """None (nothing aligned), `base`, `union`, or a model by its name in the file."""
        return self.tokens.source

    @property
    def chat_template(self) -> str | None:
        """None (as it is), `auto`, or a jinja text."""
        return self.tokens.chat_template


def load_config(path: Path, open_model: OpenModel, compat: str | None = None) -> Config:
    """What a file of either dialect asks for, told apart by the key `crucible_recipe`.

    `compat` is as if the file said so itself (see `Recipe.compat`).

    Raises:
        RecipeError: the file cannot be read, or means no merge; it is named, and the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({error}); give a recipe or a mergekit config") from None
    if compat is not None:
        check_word("compat", compat, COMPAT)
    data = parse_yaml(text, str(path))
    if "crucible_recipe" not in data:
        return replace(_config(data, path, open_model, compat), text=text)
    recipe = Recipe.from_dict(data, str(path))
    return Config(recipe if compat is None else replace(recipe, compat=compat), text=text)


def read_mergekit(text: str, source: Path, open_model: OpenModel, compat: str | None = None) -> Config:
    """What a mergekit config asks for; `open_model` is asked once for each model that it merges.

    Raises:
        RecipeError: the config asks for what is not done here; `source` and the field are named.
    """
    return _config(parse_yaml(text, str(source)), source, open_model, compat)


def from_mergekit(text: str, source: Path, open_model: OpenModel, compat: str | None = None) -> Recipe:
    """The recipe alone of `read_mergekit`, for configs that leave tokenizer and chat template as they are.

    Raises:
        RecipeError: as there, or the config asks for more than a recipe says.
    """
    config = read_mergekit(text, source, open_model, compat)
    if config.tokens not in (Tokens(), Tokens(source="base")):
        raise RecipeError(f"{source}: tokenizer_source, tokenizer, chat_template: are no part of a recipe")
    return config.recipe


def _config(config: Mapping[str, Any], source: Path, open_model: OpenModel, compat: str | None) -> Config:
    try:
        return _read({key: value for key, value in config.items() if value is not None}, open_model, compat)
    except RecipeError as error:
        raise RecipeError(f"{source}: {error}") from None


def _read(config: Mapping[str, Any], open_model: OpenModel, compat: str | None) -> Config:
    for key in _REFUSED:
        if key in config:
            raise RecipeError(f"{key}: {_REFUSED[key]}")
    check_keys(config, (*_KEYS, *_OWN_KEYS), "")
    method, tokens = _method(config), read_tokens(config)
    _check_dtypes(config)
    models = models_named(config)
    base = base_named(config)
    named = _donor(config, base, models)
    donor = named or models[0]
    opened = {name: open_model(name) for name in dict.fromkeys((base or donor, *models))}
    slices = read_slices(config, base, {name: n_layers(tensors) for name, (_, tensors) in opened.items()})
    inputs = inputs_of(method, base, donor, slices)
    top = mapping_of(config.get("parameters"), "parameters")
    reader = _Reader(method, inputs, slices, {name: tensors for name, (_, tensors) in opened.items()})
    columns = [columns_of(method, piece, inputs.experts, top) for piece in slices]
    if unread := without_effect(method, slices, inputs.experts, top):
        logging.getLogger(__name__).warning("without effect on %s: %s", method.name, ", ".join(unread))
    recipe = Recipe(
        base=opened[inputs.base][0],
        experts=tuple(opened[name][0] for name in inputs.experts),
        method=method.name,
        layers=reader.layers(columns),
        outer=reader.outer(columns),
        **_numbers(config, [tensors for _, tensors in opened.values()], compat),
    )
    return Config(recipe, tokens, config_source=named if base is not None else None)


def _method(config: Mapping[str, Any]) -> Method:
    name = need(config, "merge_method", "")
    if not isinstance(name, str):
        raise RecipeError(f"merge_method: expected a method's name, found {shown(name)}")
    return find_method(name)


def _check_dtypes(config: Mapping[str, Any]) -> None:
    """Before any model is opened, and before anything is said of the arithmetic."""
    for key in ("dtype", "out_dtype"):
        if config.get(key) is not None:
            said = config[key]
            word = said.removeprefix("torch.") if isinstance(said, str) else said
            # Where something else is written, float64 is read, if only to warn that it is not computed in.
            check_word(
                key, word, (*DTYPES, "float64") if key == "dtype" and "out_dtype" in config else DTYPES
            )


def _donor(config: Mapping[str, Any], base: str | None, models: Sequence[str]) -> str | None:
    """The model that gives config and tokenizer, where the file names one."""
    if "config_source" not in config:
        return None
    donor = model_name(config["config_source"], "config_source")
    if base not in (None, donor) and donor not in models:
        raise RecipeError(
            f"config_source: {shown(donor)} stands beside base_model, which gives config and tokenizer, and"
            " is none of the file's models; leave it out, or name one of them"
        )
    return donor


@dataclass(frozen=True)
class _Reader:
    """From settings per slice to rules; `tensors` are those of each model, by name."""

    method: Method
    inputs: Inputs
    slices: Sequence[Slice]
    tensors: Mapping[str, Mapping[str, TensorInfo]]

    def layers(self, columns: Sequence[list[Column]]) -> tuple[LayerGroup, ...]:
        groups: list[LayerGroup] = []
        for piece, settings in zip(self.slices, columns, strict=True):
            start, length = len(groups), piece.length
            first = self.inputs.origins(piece, start)
            for i in range(length):
                t = i / (length - 1) if length > 1 else 1.0
                rules = rules_of(
                    self.method, settings, self._names(piece, start, i), t, self.inputs.from_base
                )
                origins = tuple(None if origin is None else origin + i for origin in first)
                groups.append(LayerGroup(start + i, start + i + 1, rules, origins))
        return joined(groups)

    def _names(self, piece: Slice, start: int, i: int) -> list[Named]:
        """Tensors of the `i`-th layer of a slice that is written to the layers from `start`."""
        donor = piece.sources[0]
        names = [name for name in self.tensors[donor.model] if layer_index(name) == donor.start + i]
        if not names:
            raise RecipeError(f"{donor.model}: has no tensors in layer {donor.start + i}; is it whole?")
        sources = [piece.source_of(model) for model in self.inputs.experts]
        return [
            Named(
                rename_layer(name, start + i),
                tuple(None if source is None else rename_layer(name, source.start + i) for source in sources),
            )
            for name in names
        ]

    def outer(self, columns: Sequence[list[Column]]) -> tuple[Rule, ...]:
        """mergekit reads embeddings from the first slice, norm and head from the last, at their beginning."""
        rules = []
        names = [name for name in self.tensors[self.inputs.base] if layer_index(name) is None]
        if not names:
            raise RecipeError(f"{self.inputs.base}: has no tensors but those of layers; is it whole?")
        for name in layer_order(names):
            edge = 0 if is_embedding(name) else -1
            present = [self.slices[edge].source_of(model) for model in self.inputs.experts]
            tensor = Named(name, tuple(None if source is None else name for source in present))
            (rule,) = rules_of(self.method, columns[edge], [tensor], 0.0, self.inputs.from_base)
            rules.append(Rule((name,), rule.parameters))
        rules.sort(key=lambda rule: -len(rule.match[0]))
        if len({rule.parameters for rule in rules}) == 1:
            rules = rules[-1:]
        return (*rules[:-1], Rule((), rules[-1].parameters))


def _numbers(
    config: Mapping[str, Any], models: Sequence[Mapping[str, TensorInfo]], compat: str | None
) -> dict[str, Any]:
    """The types of what is computed and written, compat, and the seed.

    Without compat arithmetic is in float32, which mergekit does only if `dtype` says so.
    """
    said = config.get("dtype")
    arithmetic = str(said or _stored(models, config.get("out_dtype"))).removeprefix("torch.")
    compat = compat or config.get("compat")
    if compat is None and arithmetic != "float32":
        logging.getLogger(__name__).warning(
            "dtype: merging in float32, not in %s as mergekit would; results are a rounding apart"
            " (compat: mergekit rounds as it does)",
            arithmetic if said else "the stored dtype",
        )
    seed = config.get("seed", 0)
    if type(seed) is not int:
        raise RecipeError(f"seed: expected a whole number, found {seed!r}")
    return {
        "dtype": str(config.get("out_dtype") or arithmetic).removeprefix("torch."),
        "seed": seed,
        "compat": compat,
        "arithmetic_dtype": arithmetic if compat else None,
    }


def _stored(models: Sequence[Mapping[str, TensorInfo]], chosen: object) -> str:
    """The dtype of all tensors, or float32, which holds what the others do, where they differ."""
    found = sorted({info.dtype for tensors in models for info in tensors.values()})
    if len(found) < 2:
        return found[0] if found else "float32"
    if chosen is None:
        logging.getLogger(__name__).warning(
            "dtype: the models hold %s; writing float32 (name a dtype to choose)", " and ".join(found)
        )
    return "float32"
