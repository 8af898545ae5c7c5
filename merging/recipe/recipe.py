"""A recipe: everything that determines a merged model, as immutable data whose digest names the candidate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from merging.errors import RecipeError
from merging.layout import layer_index
from merging.methods.registry import Method, find_method, nearest
from merging.recipe.canonical import canonical_json, canonical_layers, canonical_outer
from merging.recipe.checks import check_contiguous, check_rules
from merging.recipe.fields import Fields
from merging.recipe.rules import (
    LayerGroup,
    ModelRef,
    Parameters,
    Rule,
    group_from,
    group_to_dict,
    model_from,
    model_to_dict,
    rule_from,
    rules_to_list,
)
from merging.recipe.stacking import check_origins, outer_experts, present_inputs, rename_layer
from merging.recipe.yaml_text import parse_yaml
from merging.shown import shown

VERSION = 1
DTYPES = ("float32", "bfloat16", "float16")
COMPAT = ("mergekit",)


@dataclass(frozen=True)
class Recipe:
    """Models, a method and its parameters per part of the model; `outer` rules the tensors in no layer.

    Raises RecipeError for anything that means no merge, naming the group and the field.
    """

    base: ModelRef
    experts: tuple[ModelRef, ...]
    method: str
    layers: tuple[LayerGroup, ...]
    outer: tuple[Rule, ...]
    dtype: str
    seed: int = 0
    compat: str | None = None
    """`mergekit`: its arithmetic, rounding for rounding; None: ours, in float32."""
    arithmetic_dtype: str | None = None
    """Under `compat`, what mergekit would compute in (its `dtype`); None there is float32."""
    tokenizer_source: str | None = None
    """To whose vocabulary its models were brought: `base`, `union`, or the place of one; None: it is one."""
    pad_to_multiple_of: int | None = None
    """Beside `tokenizer_source`: what the number of rows is a multiple of."""
    allow_pickle: bool = False
    """Whether pickles may be read. Like paths, these three say how models are opened; no digest has them."""

    config_source: str | None = None
    """The place of the model whose config, stop tokens and chat template the output has; in no digest."""

    def __post_init__(self) -> None:
        method = find_method(self.method)
        if not self.experts:
            raise RecipeError("experts: none given; a merge needs at least one")
        check_word("dtype", self.dtype, DTYPES)
        self._check_compat(method)
        self._check_padding()
        check_contiguous(self.layers)
        for group in self.layers:
            check_origins(f"layers {group.start}-{group.stop - 1}", group, method, len(self.experts))
        for where, rules, present in self._parts():
            check_rules(where, rules, method, present, self.compat is not None)

    def _check_padding(self) -> None:
        if self.pad_to_multiple_of is None:
            return
        if self.pad_to_multiple_of < 1 or self.tokenizer_source is None:
            raise RecipeError(
                f"pad_to_multiple_of: {self.pad_to_multiple_of}; give a number above 0 beside"
                " tokenizer_source"
            )

    def _check_compat(self, method: Method) -> None:
        if self.compat is None:
            if self.arithmetic_dtype is not None:
                raise RecipeError(
                    "arithmetic_dtype: stands only beside compat: mergekit; arithmetic is in float32 else"
                )
            return
        check_word("compat", self.compat, COMPAT)
        if self.arithmetic_dtype is not None:
            check_word("arithmetic_dtype", self.arithmetic_dtype, DTYPES)
        if not method.mergekit:
            raise RecipeError(f"compat: mergekit 0.1.5 has no method {method.name!r}; leave compat out")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what determines the merged bytes; recipes that mean the same merge share it.

        Models enter by fingerprint. What the method ignores, how equal layers are grouped, and the seed of a
        method that draws nothing, do not enter.
        """
        method = find_method(self.method)
        content: dict[str, Any] = {
            "version": VERSION,
            "base": self.base.fingerprint,
            "experts": [expert.fingerprint for expert in self.experts],
            "method": self.method,
            "layers": canonical_layers(self.layers, method, len(self.experts)),
            "outer": canonical_outer(self.outer, self.layers, method, len(self.experts)),
            "dtype": self.dtype,
            "seed": self.seed if method.random else None,
        }
        if self.compat:
            content |= {"compat": self.compat, "arithmetic_dtype": self.arithmetic_dtype or "float32"}
        return hashlib.sha256(canonical_json(content, method).encode()).hexdigest()

    @property
    def depth(self) -> int:
        """Number of layers of the merged model."""
        return self.layers[-1].stop if self.layers else 0

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the parameters that its method reads; all others it ignores."""
        return find_method(self.method).parameters

    @property
    def stacked(self) -> bool:
        """Whether layers are taken from other places than their own."""
        return any(group.origins for group in self.layers)

    def origin(self, i: int, layer: int) -> int | None:
        """The layer that input `i` (0 is the base) gives for a layer of the merged model.

        None where it takes no part. Raises RecipeError for a layer that no group covers.
        """
        group = self._group_of(layer)
        if not group.origins:
            return layer
        first = group.origins[i]
        return None if first is None else first + layer - group.start

    def source_name(self, i: int, name: str) -> str | None:
        """The tensor that input `i` (0 is the base) gives for a tensor of the merged model; None for none."""
        layer = layer_index(name)
        if layer is None:
            return name if present_inputs(self.layers, name, len(self.experts) + 1)[i] else None
        origin = self.origin(i, layer)
        return name if origin == layer else None if origin is None else rename_layer(name, origin)

    def parameters_for(self, name: str, layer: int | None) -> Parameters:
        """Parameters of one tensor; raises RecipeError for a layer that no group covers."""
        rules = self.outer if layer is None else self._group_of(layer).rules
        return next(rule.parameters for rule in rules if rule.applies_to(name))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON or YAML, with the places where models were found."""
        method = find_method(self.method)
        compat = {"compat": self.compat, "arithmetic_dtype": self.arithmetic_dtype}
        return {
            "crucible_recipe": VERSION,
            "method": self.method,
            "base": model_to_dict(self.base),
            "experts": [model_to_dict(expert) for expert in self.experts],
            "layers": [group_to_dict(group, method) for group in self.layers],
            "outer": rules_to_list(self.outer, method),
            "dtype": self.dtype,
            "seed": self.seed,
            **{name: value for name, value in compat.items() if value is not None},
            **self._opening(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str = "recipe") -> Recipe:
        """The recipe that `to_dict` wrote; raises RecipeError naming `source` and the field."""
        fields = Fields(data, source)
        if fields.take("crucible_recipe", int) != VERSION:
            raise RecipeError(f"{source}: crucible_recipe is not {VERSION}; a newer Crucible wrote it")
        method = _named_method(fields.take("method", str), source)
        values: dict[str, Any] = {
            "base": model_from(fields.part("base")),
            "experts": tuple(model_from(part) for part in fields.parts("experts")),
            "method": method.name,
            "layers": tuple(group_from(part, method) for part in fields.parts("layers")),
            "outer": tuple(rule_from(part, method) for part in fields.parts("outer")),
            "dtype": fields.take("dtype", str),
            "seed": fields.take("seed", int, 0),
            "compat": fields.take("compat", str, None),
            "arithmetic_dtype": fields.take("arithmetic_dtype", str, None),
            "tokenizer_source": fields.take("tokenizer_source", str, None),
            "pad_to_multiple_of": fields.take("pad_to_multiple_of", int, None),
            "allow_pickle": fields.take("allow_pickle", bool, False),
            "config_source": fields.take("config_source", str, None),
        }
        fields.done()
        try:
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{source}: {error}") from None

    def _opening(self) -> dict[str, Any]:
        """How its models are opened, as far as there is something to say."""
        said = {
            "tokenizer_source": self.tokenizer_source,
            "pad_to_multiple_of": self.pad_to_multiple_of,
            "allow_pickle": self.allow_pickle or None,
            "config_source": self.config_source,
        }
        return {name: value for name, value in said.items() if value is not None}

    def _group_of(self, layer: int) -> LayerGroup:
        for group in self.layers:
            if group.start <= layer < group.stop:
                return group
        raise RecipeError(f"layers: the recipe has layers 0-{self.depth - 1}, the model has a layer {layer}")

    def _parts(self) -> list[tuple[str, tuple[Rule, ...], tuple[bool, ...]]]:
        """Places, rules, and which experts take part there."""
        numbers = range(1, len(self.experts) + 1)
        groups = [
            (
                f"layers {group.start}-{group.stop - 1}",
                group.rules,
                tuple(group.takes_part(i) for i in numbers),
            )
            for group in self.layers
        ]
        return [*groups, ("outer", self.outer, outer_experts(self.layers, len(self.experts)))]


def whole_model(parameters: Parameters, n_layers: int) -> tuple[tuple[LayerGroup, ...], tuple[Rule, ...]]:
    """`layers` and `outer` of a recipe that treats the whole model alike."""
    rules = (Rule((), parameters),)
    return (LayerGroup(0, n_layers, rules),), rules


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML, one rule a line."""
    header = f"# A recipe of Crucible; its digest is {recipe.digest}\n"
    return header + yaml.safe_dump(recipe.to_dict(), sort_keys=False, default_flow_style=None, width=1000)


def load_recipe(text: str, source: str) -> Recipe:
    """The recipe that `dump_recipe` wrote; raises RecipeError naming `source`, and line or field."""
    return Recipe.from_dict(parse_yaml(text, source), source)


def check_word(field: str, value: Any, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of the `known` words; raises RecipeError with the nearest one."""
    if not isinstance(value, str) or value not in known:
        hint = nearest(value, known) if isinstance(value, str) else ""
        raise RecipeError(f"{field}: {shown(value)} is none of {', '.join(known)}{hint}")


def _named_method(name: str, source: str) -> Method:
    try:
        return find_method(name)
    except RecipeError as error:
        raise RecipeError(f"{source}: method: {error}") from None
