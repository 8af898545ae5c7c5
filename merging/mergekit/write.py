"""Recipes as mergekit's YAML, from which mergekit 0.1.5 makes the same checkpoint where nothing is random.

mergekit's "slice" is a layer group here. Its filters are substrings of a tensor's name, the first
that matches wins; where that says too little, full names do, those that contain others first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from merging.errors import RecipeError
from merging.layout import layer_index, layer_order
from merging.mergekit.rules import OF_INPUTS
from merging.methods.registry import PARAMETERS, Method, find_method
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from merging.recipe.rules import Setting, more_of, place_of
from merging.recipe.stacking import rename_layer

Value = float | bool | str
Reader = Callable[[Parameters], Value]
Model = str | dict[str, Any]
"""A model as mergekit names it."""

_SHARED: Mapping[str, Reader] = {
    "lambda": lambda parameters: parameters.lambda_,
    "normalize": lambda parameters: parameters.normalize,
    "rescale": lambda parameters: parameters.rescale,
}
_OURS = ("from_base", "variant")
"""mergekit has no words for these: it has one variant, and says the other by naming a base_model."""


def to_mergekit(
    recipe: Recipe,
    names: Iterable[str],
    densities: Mapping[str, tuple[float, ...]] | None = None,
    adapters: Collection[int] = (),
) -> str:
    """The recipe as mergekit's YAML; `names` are the tensors of its base model.

    `densities` (see `MergeWorker.kept_densities`) replace the recipe's for single tensors, so that mergekit's
    unstable sort has no choice among tied magnitudes. `adapters` are the numbers of the experts that are LoRA
    adapters of the base.

    Raises:
        RecipeError: mergekit has no words for this recipe.
    """
    method = find_method(recipe.method)
    from_base = _check_expressible(recipe, method)
    base_read = method.base != "config only" and from_base
    names = layer_order(names)
    models = [
        _with_lora(recipe.base, expert) if i in adapters else _model(expert)
        for i, expert in enumerate(recipe.experts)
    ]
    reader = _Reads(recipe, method, densities or {}, base_read, models)
    config = {
        "merge_method": recipe.method,
        **_models(recipe, models, from_base),
        "slices": [reader.slice(group, _tensors_of(recipe, group, names)) for group in recipe.layers],
        "dtype": recipe.arithmetic_dtype or "float32",
        "out_dtype": recipe.dtype,
        **({"seed": recipe.seed} if method.random and recipe.seed else {}),
        **({"compat": recipe.compat} if recipe.compat else {}),
        **_tokenizer(recipe, models, from_base),
    }
    promise = (
        "draws random masks of its own, so its checkpoint differs"
        if method.random
        else "makes the same checkpoint"
    )
    header = (
        f"# Crucible's recipe {recipe.digest}\n# mergekit 0.1.5 {promise}: mergekit-yaml THIS_FILE OUT_DIR\n"
    )
    return header + yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=1000)


def _check_expressible(recipe: Recipe, method: Method) -> bool:
    """Whether the base is named to mergekit as one that task vectors are taken from, or mixed in."""
    if not method.mergekit:
        raise RecipeError(f"mergekit has no method {method.name!r}; export with --format recipe")
    rules = [*recipe.outer, *(rule for group in recipe.layers for rule in group.rules)]
    if any(rule.parameters.get("variant", "mergekit") != "mergekit" for rule in rules):
        raise RecipeError("variant: mergekit knows its own alone; export with --format recipe")
    if "from_base" not in method.parameters:
        return True
    said = {bool(rule.parameters.get("from_base", False)) for rule in rules}
    if len(said) > 1:
        raise RecipeError(
            "from_base: differs between parts, and mergekit knows one for all; export with --format recipe"
        )
    return said.pop()


def _models(recipe: Recipe, models: Sequence[Model], from_base: bool) -> dict[str, Any]:
    """The base model; where mergekit would take it for an input, a key that only we read."""
    base = _model(recipe.base)
    if from_base:
        named = zip((recipe.base, *recipe.experts), (base, *models), strict=True)
        donor = [name for ref, name in named if place_of(ref) == recipe.config_source]
        return {"base_model": base, **({"config_source": donor[0]} if donor else {})}
    return {} if base == models[0] else {"config_source": base}


def _tokenizer(recipe: Recipe, models: Sequence[Model], from_base: bool) -> dict[str, Any]:
    """mergekit knows `base` only where a base model is named; without one it takes whichever comes."""
    source: Model | None = recipe.tokenizer_source
    if source is None:
        return {}
    if source != "union" and not (source == "base" and from_base):
        named = zip((recipe.base, *recipe.experts), (_model(recipe.base), *models), strict=True)
        source = next((name for ref, name in named if source in ("base", place_of(ref))), source)
    if recipe.pad_to_multiple_of is None:
        return {"tokenizer_source": source}
    return {"tokenizer": {"source": source, "pad_to_multiple_of": recipe.pad_to_multiple_of}}


@dataclass(frozen=True)
class _Tensor:
    """A tensor that a group's settings reach, with the parameters it must get."""

    name: str
    output: str
    """Its name in the merged model, where `name` is an input's."""
    parameters: Parameters

    @property
    def outer(self) -> bool:
        return layer_index(self.name) is None


def _tensors_of(recipe: Recipe, group: LayerGroup, names: list[str]) -> list[_Tensor]:
    """Tensors of a group's layers; mergekit reads those in no layer from the first and the last slice."""
    at_edge = group in (recipe.layers[0], recipe.layers[-1])
    outer = [name for name in names if at_edge and layer_index(name) is None]
    layers = [name for layer in range(group.start, group.stop) for name in _names_in(recipe, layer, names)]
    return [
        _Tensor(name, name, recipe.parameters_for(name, layer_index(name)))
        for name in layer_order([*outer, *layers])
    ]


def _names_in(recipe: Recipe, layer: int, names: Sequence[str]) -> list[str]:
    """Tensors of a layer of the merged model, called as the base calls those of the layer they come from."""
    origins = [recipe.origin(i, layer) for i in range(len(recipe.experts) + 1)]
    depths = {layer_index(name) for name in names}
    found = next((o for o in origins if o is not None and o in depths), max(filter(None, depths), default=0))
    return [rename_layer(name, layer) for name in names if layer_index(name) == found]


@dataclass(frozen=True)
class _Reads:
    """Reads a recipe's parameters off, slice by slice, as mergekit wants them said."""

    recipe: Recipe
    method: Method
    densities: Mapping[str, tuple[float, ...]]
    base_read: bool
    models: Sequence[Model]
    """The experts as mergekit names them."""

    def slice(self, group: LayerGroup, tensors: list[_Tensor]) -> dict[str, Any]:
        sources = [self._source(_model(self.recipe.base), 0, group, {})] if self.base_read else []
        for i, expert in enumerate(self.models):
            if group.takes_part(i + 1):
                sources.append(self._source(expert, i + 1, group, self._own(i, group, tensors)))
        shared = dict(_SHARED) | {
            name: _more(name, self.method) for name in more_of(self.method) if name not in _OURS
        }
        parameters = {
            name: _setting(group.rules, tensors, read)
            for name, read in shared.items()
            if name in self.method.parameters
            and not PARAMETERS[name].per_expert
            and name not in OF_INPUTS
            and self._said(name)
        }
        return {"sources": sources, "parameters": parameters} if parameters else {"sources": sources}

    def _own(self, i: int, group: LayerGroup, tensors: list[_Tensor]) -> dict[str, Any]:
        """Parameters of one expert, filtered by what it calls the tensors."""
        seen = [_Tensor(_name_at(self.recipe, i + 1, t.name), t.name, t.parameters) for t in tensors]
        exact = {t.name: self.densities[t.output][i] for t in seen if t.output in self.densities}
        readers = {
            name: _entry(name, i) if name in ("weight", "density") else _more(name, self.method, i)
            for name in self.method.parameters
            if PARAMETERS[name].per_expert or name in OF_INPUTS
        }
        return {
            name: _setting(group.rules, seen, read, exact if name == "density" else None)
            for name, read in readers.items()
            if self._said(name)
        }

    def _said(self, name: str) -> bool:
        """Whether a further parameter is given anywhere; else its default stands unsaid."""
        if name not in more_of(self.method):
            return True
        rules = [*self.recipe.outer, *(rule for group in self.recipe.layers for rule in group.rules)]
        return any(name in dict(rule.parameters.more) for rule in rules)

    def _source(self, model: Model, i: int, group: LayerGroup, parameters: dict[str, Any]) -> dict[str, Any]:
        first = self.recipe.origin(i, group.start)
        assert first is not None, "an input that takes no part is no source"
        layers = [first, first + group.stop - group.start]
        own = {"parameters": parameters} if parameters else {}
        return {"model": model, "layer_range": layers, **own}


def _name_at(recipe: Recipe, i: int, name: str) -> str:
    """What input `i` calls a tensor; what it takes no part in keeps its name, which nobody reads."""
    return recipe.source_name(i, name) or name


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
    spelled = any(len(rule.match) > 1 for rule in rules) or _renamed(rules, tensors)
    by_name = {tensor.name for tensor in tensors if tensor.outer or spelled or tensor.name in (exact or {})}
    by_name |= {name for name in values if any(part in name for part in by_name)}
    specific_first = sorted(
        filter(by_name.__contains__, values), key=lambda n: -sum(part in n for part in by_name)
    )
    filters: list[dict[str, Value | str]] = [{"filter": n, "value": values[n]} for n in specific_first]
    if not spelled:
        filters += [{"filter": rule.match[0], "value": read(rule.parameters)} for rule in rules if rule.match]
    return [*filters, {"value": read(rules[-1].parameters)}]


def _renamed(rules: tuple[Rule, ...], tensors: list[_Tensor]) -> bool:
    """Whether a rule speaks about a tensor under its name in the merged model, but not under the input's."""
    return any(
        rule.applies_to(tensor.name) != rule.applies_to(tensor.output) for rule in rules for tensor in tensors
    )


def _entry(field: str, i: int) -> Reader:
    return lambda parameters: getattr(parameters, field)[i]


def _more(name: str, method: Method, i: int | None = None) -> Reader:
    """Reads a further parameter, of expert `i` where it is per expert; its default where it is not given."""
    default: Any = method.defaults[name]

    def read(parameters: Parameters) -> Any:
        value: Setting = parameters.get(name, default)
        return value[i] if isinstance(value, tuple) and i is not None else value

    return read


def _model(model: ModelRef) -> Model:
    """A model as mergekit names it; `+` would mean a LoRA and `@` a revision, so those are spelled out."""
    if "+" in model.path or "@" in model.path:
        return {"model": {"path": model.path, "revision": model.revision}}
    return place_of(model)


def _with_lora(model: ModelRef, lora: ModelRef) -> Model:
    names = _model(model), _model(lora)
    if isinstance(names[0], str) and isinstance(names[1], str):
        return "+".join(names)  # type: ignore[arg-type]
    spelled = [{"path": each.path, "revision": each.revision} for each in (model, lora)]
    return {"model": spelled[0], "lora": spelled[1]}
