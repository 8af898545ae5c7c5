"""What of a recipe determines the merged bytes, as text of which there is one for one merge."""

from __future__ import annotations

import itertools
import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from merging.methods import Method, find_method
from merging.rules import canonical_rules, rules_to_list
from merging.stacking import offsets, outer_experts

if TYPE_CHECKING:
    from merging.recipe import Recipe

MASKS = 2
"""Raised when random masks are drawn anew: recipes that draw them then name other candidates."""


def canonical_json(recipe: Recipe, version: int) -> str:
    """The recipe without what its method ignores, and without the places where models were found."""
    method = find_method(recipe.method)
    outer = canonical_rules(recipe.outer, method, outer_experts(recipe.layers, len(recipe.experts)))
    content: dict[str, Any] = {
        "version": version,
        "base": recipe.base.fingerprint,
        "experts": [expert.fingerprint for expert in recipe.experts],
        "method": recipe.method,
        "layers": _layers(recipe, method),
        "outer": rules_to_list(outer, method),
        "dtype": recipe.dtype,
        "seed": recipe.seed if method.random else None,
    }
    if method.random:
        content["masks"] = MASKS
    if recipe.compat:
        content |= {"compat": recipe.compat, "arithmetic_dtype": recipe.arithmetic_dtype or "float32"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _layers(recipe: Recipe, method: Method) -> list[dict[str, Any]]:
    """Runs of layers that are merged alike."""
    layers = []
    for group in recipe.layers:
        present = tuple(group.takes_part(i + 1) for i in range(len(recipe.experts)))
        alike = canonical_rules(group.rules, method, present), offsets(group, method)
        layers.append((alike, group.stop))
    return [
        {
            "stop": [stop for _, stop in run][-1],
            "rules": rules_to_list(rules, method),
            **({"offsets": list(shifts)} if shifts else {}),
        }
        for (rules, shifts), run in itertools.groupby(layers, key=itemgetter(0))
    ]
