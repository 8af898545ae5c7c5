"""A recipe: everything that determines a merged model, as immutable data whose digest names the candidate."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import yaml

from merging.errors import RecipeError
from merging.fields import Fields
from merging.methods import find_method, nearest
from merging.rules import (
    LayerGroup,
    ModelRef,
    Parameters,
    Rule,
    canonical_rules,
    check_contiguous,
    check_rules,
    group_from,
    model_from,
    model_to_dict,
    rule_from,
    rules_to_list,
)

__all__ = [
    "LayerGroup",
    "ModelRef",
    "Parameters",
    "Recipe",
    "Rule",
    "dump_recipe",
    "load_recipe",
    "parse_yaml",
    "whole_model",
]

VERSION = 1
DTYPES = ("float32", "bfloat16", "float16")


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

    def __post_init__(self) -> None:
        method = find_method(self.method)
        if not self.experts:
            raise RecipeError("experts: none given; a merge needs at least one")
        if self.dtype not in DTYPES:
            raise RecipeError(
                f"dtype: {self.dtype!r} is none of {', '.join(DTYPES)}{nearest(self.dtype, DTYPES)}"
            )
        check_contiguous(self.layers)
        for where, rules in self._parts():
            check_rules(where, rules, method, len(self.experts))

    @property
    def digest(self) -> str:
        """SHA-256 of what determines the merged bytes; recipes that mean the same merge share it.

        Models enter by fingerprint. What the method ignores, how equal layers are grouped, and the seed of a
        method that draws nothing, do not enter.
        """
        return hashlib.sha256(_canonical_json(self).encode()).hexdigest()

    def parameters_for(self, name: str, layer: int | None) -> Parameters:
        """Parameters of one tensor; raises RecipeError for a layer that no group covers."""
        rules = self.outer if layer is None else self._rules_of(layer)
        return next(rule.parameters for rule in rules if rule.applies_to(name))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON or YAML, with the places where models were found."""
        return {
            "crucible_recipe": VERSION,
            "method": self.method,
            "base": model_to_dict(self.base),
            "experts": [model_to_dict(expert) for expert in self.experts],
            "layers": [
                {"start": group.start, "stop": group.stop, "rules": rules_to_list(group.rules)}
                for group in self.layers
            ],
            "outer": rules_to_list(self.outer),
            "dtype": self.dtype,
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str = "recipe") -> Recipe:
        """The recipe that `to_dict` wrote; raises RecipeError naming `source` and the field."""
        fields = Fields(data, source)
        if fields.take("crucible_recipe", int) != VERSION:
            raise RecipeError(f"{source}: crucible_recipe is not {VERSION}; a newer Crucible wrote it")
        values: dict[str, Any] = {
            "base": model_from(fields.part("base")),
            "experts": tuple(model_from(part) for part in fields.parts("experts")),
            "method": fields.take("method", str),
            "layers": tuple(group_from(part) for part in fields.parts("layers")),
            "outer": tuple(rule_from(part) for part in fields.parts("outer")),
            "dtype": fields.take("dtype", str),
            "seed": fields.take("seed", int, 0),
        }
        fields.done()
        try:
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{source}: {error}") from None

    def _rules_of(self, layer: int) -> tuple[Rule, ...]:
        for group in self.layers:
            if group.start <= layer < group.stop:
                return group.rules
        stop = self.layers[-1].stop if self.layers else 0
        raise RecipeError(f"layers: the recipe has layers 0-{stop - 1}, the model has a layer {layer}")

    def _parts(self) -> list[tuple[str, tuple[Rule, ...]]]:
        groups = [(f"layers {group.start}-{group.stop - 1}", group.rules) for group in self.layers]
        return [*groups, ("outer", self.outer)]


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


def parse_yaml(text: str, source: str) -> Mapping[str, Any]:
    """The mapping in a YAML text; raises RecipeError naming `source` and the line."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise RecipeError(
            f"{source}{line}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}"
        ) from None
    except (ValueError, RecursionError) as error:  # a date such as 2020-99-99, an alias of itself
        raise RecipeError(f"{source}: not a merge config: {error}") from None
    if not isinstance(data, Mapping):
        raise RecipeError(f"{source}: expected a mapping with fields, found {type(data).__name__}")
    return data


def _canonical_json(recipe: Recipe) -> str:
    method = find_method(recipe.method)
    layers = [(canonical_rules(group.rules, method), group.stop) for group in recipe.layers]
    runs = [(rules, [stop for _, stop in run]) for rules, run in itertools.groupby(layers, key=itemgetter(0))]
    content = {
        "version": VERSION,
        "base": recipe.base.fingerprint,
        "experts": [expert.fingerprint for expert in recipe.experts],
        "method": recipe.method,
        "layers": [{"stop": stops[-1], "rules": rules_to_list(rules)} for rules, stops in runs],
        "outer": rules_to_list(canonical_rules(recipe.outer, method)),
        "dtype": recipe.dtype,
        "seed": recipe.seed if method.sparsifier == "bernoulli" else None,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
