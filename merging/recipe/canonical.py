"""What of a recipe determines the merged bytes, as text of which there is one for one merge."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from merging.methods.registry import Method
from merging.recipe.rules import LayerGroup, Rule, canonical_rules, rules_to_list
from merging.recipe.stacking import offsets, outer_experts

MASKS = 2
"""Raised when random masks are drawn anew: recipes that draw them then name other candidates."""


def canonical_json(content: Mapping[str, Any], method: Method) -> str:
    """A recipe's content as text: the same for the same content, with the version of masks that are drawn."""
    masks = {"masks": MASKS} if method.random else {}
    return json.dumps({**content, **masks}, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_outer(
    outer: tuple[Rule, ...], layers: Sequence[LayerGroup], method: Method, experts: int
) -> list[dict[str, Any]]:
    """The rules of what lies in no layer, without what the method ignores."""
    return rules_to_list(canonical_rules(outer, method, outer_experts(layers, experts)), method)


def canonical_layers(layers: Sequence[LayerGroup], method: Method, experts: int) -> list[dict[str, Any]]:
    """Runs of layers that are merged alike, without what the method ignores."""
    alike = []
    for group in layers:
        present = tuple(group.takes_part(i + 1) for i in range(experts))
        alike.append(((canonical_rules(group.rules, method, present), offsets(group, method)), group.stop))
    return [
        {
            "stop": [stop for _, stop in run][-1],
            "rules": rules_to_list(rules, method),
            **({"offsets": list(shifts)} if shifts else {}),
        }
        for (rules, shifts), run in itertools.groupby(alike, key=itemgetter(0))
    ]
