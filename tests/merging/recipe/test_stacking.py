"""Layers that are stacked, left out and shifted: which layer of which model a layer is made of."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from merging.errors import RecipeError
from merging.mergekit.read import to_mergekit
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule, load_recipe
from merging.recipe import dump_recipe as dump
from merging.recipe.stacking import joined, rename_layer
from tests.merging.named_models import TENSORS, for_each_tensor, read

UP = "model.layers.{}.mlp.up_proj.weight"
BASE, A, B = (ModelRef(path, f"content of {path}") for path in ("/base", "/a", "/b"))

FRANKEN = """
merge_method: passthrough
slices:
  - sources: [{model: /a, layer_range: [0, 3]}]
  - sources: [{model: /deep, layer_range: [1, 6]}]
    parameters: {scale: [{filter: layers.5., value: 0.5}, {value: 1}]}
  - sources: [{model: /a, layer_range: [2, 4]}]
dtype: float32
"""
OFFSET = """
merge_method: ties
base_model: /base
slices:
  - sources:
      - {model: /base, layer_range: [0, 2]}
      - model: /a
        layer_range: [0, 2]
        parameters: {weight: [{filter: layers.1., value: 0.9}, {value: 0.1}]}
      - model: /b
        layer_range: [2, 4]
        parameters: {weight: [{filter: layers.3., value: 0.8}, {value: 0.2}]}
  - sources:
      - {model: /base, layer_range: [1, 4]}
      - {model: /a, layer_range: [1, 4], parameters: {weight: 0.5}}
dtype: float32
"""


def recipe(*groups: LayerGroup, method: str = "ties", experts: tuple[ModelRef, ...] = (A, B)) -> Recipe:
    outer = (Rule((), Parameters((1.0,) * len(experts), (1.0,) * len(experts))),)
    return Recipe(BASE, experts, method, groups, outer, "float32")


def group(start: int, stop: int, *origins: int | None, weight: tuple[float, ...] = (1.0, 1.0)) -> LayerGroup:
    return LayerGroup(start, stop, (Rule((), Parameters(weight, (1.0,) * len(weight))),), origins)


def test_stacked_slices_grow_the_model() -> None:
    made = read(FRANKEN)
    assert made.depth == 10
    assert [expert.path for expert in made.experts] == ["/a", "/deep"]
    assert made.base == made.experts[0]
    assert [made.origin(1, layer) for layer in range(10)] == [0, 1, 2, *[None] * 5, 2, 3]
    assert [made.origin(2, layer) for layer in range(10)] == [*[None] * 3, 1, 2, 3, 4, 5, None, None]
    assert made.source_name(2, UP.format(4)) == UP.format(2)
    assert made.source_name(1, UP.format(4)) is None
    assert made.source_name(1, "model.embed_tokens.weight") == "model.embed_tokens.weight"
    assert made.source_name(2, "lm_head.weight") is None


def test_filters_see_the_names_of_the_inputs() -> None:
    scales = [read(FRANKEN).parameters_for(UP.format(i), i).get("scale", 1.0) for i in range(10)]
    assert scales == [1.0] * 7 + [0.5] + [1.0] * 2
    made = read(OFFSET)
    assert [made.parameters_for(UP.format(i), i).weight for i in range(3)] == [
        (0.1, 0.2),
        (0.9, 0.8),
        (0.5, 0.0),
    ]


def test_outer_tensors_are_of_the_first_and_the_last_slices_inputs() -> None:
    made = read(OFFSET)
    assert [made.source_name(i, "model.embed_tokens.weight") is None for i in range(3)] == [False] * 3
    assert [made.source_name(i, "model.norm.weight") is None for i in range(3)] == [False, False, True]
    assert made.parameters_for("model.embed_tokens.weight", None).weight == (0.1, 0.2)
    assert made.parameters_for("lm_head.weight", None).weight == (0.5, 0.0)


@pytest.mark.parametrize("text", [FRANKEN, OFFSET])
def test_they_come_back_from_mergekits_yaml_and_from_ours(text: str) -> None:
    made = read(text)
    assert load_recipe(dump(made), "r.yaml") == made
    again = read(to_mergekit(made, TENSORS))
    assert meant(again) == meant(made)
    inputs = range(1, len(made.experts) + 1)
    assert [[again.origin(i, n) for i in inputs] for n in range(made.depth)] == [
        [made.origin(i, n) for i in inputs] for n in range(made.depth)
    ]


def meant(made: Recipe) -> dict[str, Any]:
    return {name: (own.weight, own.get("scale", 1.0)) for name, own in for_each_tensor(made).items()}


def test_layers_that_go_on_alike_are_one_group_and_one_digest() -> None:
    apart = (group(0, 1, 1, 1, None), group(1, 3, 2, 2, None), group(3, 4, 4, 5, None))
    together = (group(0, 3, 1, 1, None), group(3, 4, 4, 5, None))
    assert joined(apart) == together
    assert recipe(*apart).digest == recipe(*together).digest
    assert recipe(group(0, 4, 0, 0, 0)).digest == recipe(group(0, 4)).digest
    assert recipe(group(0, 4, 0, 1, 0)).digest != recipe(group(0, 4)).digest


def test_what_an_absent_input_would_say_does_not_count() -> None:
    one, other = (recipe(group(0, 4, 0, 0, None, weight=(1.0, weight))) for weight in (0.3, -2.0))
    assert replace_outer(one).digest == replace_outer(other).digest
    there = recipe(group(0, 4, 0, 0, 0, weight=(1.0, 0.3)))
    assert replace_outer(there).digest != replace_outer(one).digest


def replace_outer(made: Recipe) -> Recipe:
    return Recipe(made.base, made.experts, made.method, made.layers, made.layers[0].rules, made.dtype)


@pytest.mark.parametrize(
    ("groups", "method", "message"),
    [
        ([group(0, 2, 0, 1)], "ties", r"layers 0-1: origins: \[0, 1\] for the base and 2 experts"),
        ([group(0, 2, 0, 1, -1)], "ties", r"origins: \[0, 1, -1\]"),
        ([group(0, 2, None, 0, 0)], "ties", "the base takes no part, but ties needs it"),
        ([group(0, 2, 0, None, None)], "ties", "ties takes at least 1 expert beside the base, found 2, 0 of"),
        (
            [group(0, 2)],
            "passthrough",
            "layers 0-1: experts: passthrough takes 1 expert, found 2; name others",
        ),
    ],
)
def test_origins_that_mean_no_merge_are_refused(groups: Any, method: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(*groups, method=method)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda c: c["slices"][1]["sources"].pop(0),
            r"slices\[1\]\.sources: base_model '/base' is not among",
        ),
        (lambda c: c["slices"][0].update(base_model="/a"), "slices: base_model differs between slices"),
        (
            lambda c: c["slices"][0].update(residual_weight=0.1),
            r"slices\[0\]\.residual_weight: mergekit 0.1.5",
        ),
        (lambda c: c["slices"][0]["sources"][1].update(model="/base"), "model '/base' is listed twice"),
    ],
)
def test_slices_that_are_not_done_here_are_named(edit: Any, message: str) -> None:
    config = yaml.safe_load(OFFSET)
    edit(config)
    with pytest.raises(RecipeError, match=message):
        read(yaml.safe_dump(config))


def test_slices_may_name_the_base_that_all_share() -> None:
    config = yaml.safe_load(OFFSET)
    del config["base_model"]
    for piece in config["slices"]:
        piece["base_model"] = "/base"
    assert read(yaml.safe_dump(config)) == read(OFFSET)


def test_models_of_different_depth_want_slices() -> None:
    text = "{merge_method: karcher, models: [{model: /a}, {model: /deep}], dtype: float32}"
    with pytest.raises(RecipeError, match=r"models: differ in their numbers of layers \('/a' 4, '/deep' 6\)"):
        read(text)


def test_a_name_gets_another_layers_number() -> None:
    assert (
        rename_layer("model.layers.3.mlp.experts.3.w1.weight", 12)
        == "model.layers.12.mlp.experts.3.w1.weight"
    )
