"""Study files mean what they meant: the same numbers make the same recipes, by digests of an earlier version.

`pinned/recipes.json` was written by the version before gradients and layer paths: `digests()` of it, as JSON.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from merging.recipe import ModelRef
from search.proposals.space import SearchSpace
from search.study_file.spec import SearchSpaceSpec

PINNED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "pinned" / "recipes.json").read_text() or "{}"
)
TIES = {"methods": ("ties",), "layer_groups": 2}
SPACES: dict[str, tuple[int, dict[str, Any]]] = {
    "ties": (3, TIES),
    "each layer, two methods": (3, {"methods": ("ties", "dare_linear"), "lambda_": (0.5, 1.5)}),
    "averages": (2, {"methods": ("linear", "nuslerp", "karcher"), "layer_groups": 3}),
    "whole layers": (2, {**TIES, "modules": ()}),
    "finer modules": (2, {**TIES, "modules": ("q_proj", "k_proj", "mlp")}),
    "normalized": (2, {**TIES, "normalize": True, "rescale": True}),
    "gamma": (2, {"methods": ("breadcrumbs",), "layer_groups": 1, "gamma": (0.0, 0.3)}),
    "epsilon": (2, {"methods": ("della", "tsv"), "layer_groups": 1, "epsilon": (0.0, 0.5)}),
    "t": (1, {"methods": ("slerp", "nearswap"), "layer_groups": 5, "t": (0.0, 1.0)}),
    "scale": (1, {"methods": ("passthrough",), "layer_groups": 2, "scale": (0.5, 1.5)}),
    "negative": (2, {**TIES, "weight": (-0.5, 1.0)}),
    "fixed": (2, {"methods": ("sce",), "layer_groups": 2, "select_topk": (0.3, 0.3), "variant": "fusechat"}),
}


def space(name: str) -> SearchSpace:
    experts, fields = SPACES[name]
    refs = tuple(ModelRef(f"/models/{i}", f"{i}" * 8) for i in range(experts))
    names = ("math", "Llama-3.1", "outer")[:experts]
    return SearchSpace(SearchSpaceSpec(**fields), ModelRef("/base", "b"), refs, names, 7, "bfloat16", 3)


def digests(name: str) -> list[str]:
    """Recipes of five draws, and then of the numbers' names in their order."""
    some, draw = space(name), random.Random(name)
    found = []
    for _ in range(5):
        params: dict[str, Any] = {}
        for key, each in some.distributions.items():
            params[key] = (
                draw.choice(each.choices) if hasattr(each, "choices") else draw.uniform(each.low, each.high)  # type: ignore[attr-defined]
            )
        found.append(some.decode(params).digest)
    return [*found, ",".join(some.distributions)]


@pytest.mark.parametrize("name", SPACES)
def test_the_same_numbers_make_the_same_recipe(name: str) -> None:
    assert digests(name) == PINNED[name]
