"""What a recipe does, said in another search space: by what its layers, modules and experts hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merging.recipe import ModelRef, Recipe
from search.proposals.space import SearchSpace
from search.proposals.translation import same_models, translate
from search.study_file.spec import SearchSpaceSpec

MODULES = ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "input_layernorm")
NAMES = (
    "model.embed_tokens.weight",
    "model.norm.weight",
    *(f"model.layers.{i}.{part}.weight" for i in range(4) for part in MODULES),
)
A, B = ModelRef("/models/a", "aaaa"), ModelRef("/models/b", "bbbb")


def space(
    experts: tuple[ModelRef, ...] = (A, B), names: tuple[str, ...] = ("a", "b"), **fields: Any
) -> SearchSpace:
    spec = SearchSpaceSpec(**{"methods": ("ties",), "density": 0.5, **fields})
    return SearchSpace(spec, ModelRef("/base", "base"), experts, names, 4, "bfloat16", 0)


def drawn(some: SearchSpace, **params: Any) -> Recipe:
    """A recipe of the space with the weights 0.01, 0.02, ... unless said otherwise."""
    numbered = {name: (i + 1) / 100 for i, name in enumerate(some.distributions)}
    return some.decode({**numbered, **params})


def weights(some: SearchSpace, point: dict[str, Any] | None) -> dict[str, float]:
    assert point is not None
    assert set(point) == set(some.distributions)
    return {name: round(value, 6) for name, value in point.items() if name.startswith("weight")}


def test_in_its_own_space_a_recipe_is_the_point_that_it_was_drawn_at() -> None:
    some = space(layer_groups=2, density=(0.1, 1.0), lambda_=(0.5, 1.5))
    params = {name: 0.6 + i / 100 for i, name in enumerate(some.distributions)}
    point = translate(some.decode(params), some, NAMES)
    assert point == pytest.approx(params)


def test_finer_groups_take_what_the_coarser_one_had() -> None:
    coarse, fine = space(layer_groups=2), space(layer_groups="each")
    recipe = drawn(coarse)
    assert translate(recipe, fine, NAMES) is not None
    assert fine.decode(translate(recipe, fine, NAMES) or {}).digest == recipe.digest


def test_a_coarser_group_takes_the_mean_of_its_layers() -> None:
    fine, coarse = space(layer_groups="each", modules=()), space(layer_groups=2, modules=())
    recipe = drawn(fine, **{"weight.layer0.all.a": 0.2, "weight.layer1.all.a": 0.6, "weight.outer.b": 0.9})
    found = weights(coarse, translate(recipe, coarse, NAMES))
    assert (found["weight.layers0-1.all.a"], found["weight.outer.b"]) == (0.4, 0.9)


def test_modules_are_compared_by_the_tensors_that_they_hold() -> None:
    parts = space(layer_groups=1, modules=("q_proj", "o_proj", "mlp"))
    whole = space(layer_groups=1)
    recipe = drawn(parts, **{"weight.layers0-3.q_proj.a": 0.2, "weight.layers0-3.o_proj.a": 0.4})
    assert weights(whole, translate(recipe, whole, NAMES))["weight.layers0-3.self_attn.a"] == 0.3
    back = weights(parts, translate(drawn(whole), parts, NAMES))
    assert back["weight.layers0-3.q_proj.b"] == back["weight.layers0-3.o_proj.b"] == 0.02


def test_gradients_take_what_lies_around_their_layers_and_hand_on_their_lines() -> None:
    lines, layers = space(gradient=2, modules=()), space(layer_groups="each", modules=())
    recipe = drawn(lines, **{"weight.layer0.all.a": 0.0, "weight.layer3.all.a": 0.9})
    found = weights(layers, translate(recipe, layers, NAMES))
    assert [found[f"weight.layer{i}.all.a"] for i in range(4)] == [0.0, 0.3, 0.6, 0.9]
    flat = drawn(space(layer_groups=1, modules=()), **{"weight.layers0-3.all.b": 0.7})
    again = weights(lines, translate(flat, lines, NAMES))
    assert again["weight.layer0.all.b"] == again["weight.layer3.all.b"] == 0.7


def test_experts_are_told_by_content_whatever_their_names_and_order() -> None:
    mine, theirs = space(layer_groups=1, modules=()), space((B, A), ("x", "y"), layer_groups=1, modules=())
    recipe = drawn(theirs, **{"weight.layers0-3.all.x": 0.8, "weight.layers0-3.all.y": 0.1})
    found = weights(mine, translate(recipe, mine, NAMES))
    assert (found["weight.layers0-3.all.a"], found["weight.layers0-3.all.b"]) == (0.1, 0.8)


def test_numbers_beyond_a_range_become_its_end() -> None:
    wide, narrow = space(layer_groups=1, modules=()), space(layer_groups=1, modules=(), weight=(0.1, 0.5))
    recipe = drawn(wide, **{"weight.layers0-3.all.a": 0.9, "weight.layers0-3.all.b": 0.0})
    found = weights(narrow, translate(recipe, narrow, NAMES))
    assert (found["weight.layers0-3.all.a"], found["weight.layers0-3.all.b"]) == (0.5, 0.1)


def test_what_the_other_method_did_not_read_stands_in_the_middle() -> None:
    both = space(methods=("ties", "task_arithmetic"), layer_groups=1, density=(0.2, 0.6))
    recipe = drawn(space(methods=("task_arithmetic",), layer_groups=1))
    point = translate(recipe, both, NAMES)
    assert point is not None
    assert (point["method"], point["density.outer.a"]) == ("task_arithmetic", 0.4)


@pytest.mark.parametrize(
    "other",
    [
        {"methods": ("dare_ties",)},
        {"normalize": True},
        {"rescale": True},
        {"methods": ("passthrough",), "layers": {"budget": 4}, "density": 0.5},
    ],
)
def test_other_methods_and_flags_are_not_in_the_space(other: dict[str, Any]) -> None:
    assert translate(drawn(space(layer_groups=1)), space(layer_groups=1, **other), NAMES) is None


def test_models_are_compared_by_content() -> None:
    mine = space(layer_groups=1)
    recipe = drawn(mine)
    assert same_models(recipe, mine) is None
    moved = replace(mine, experts=(replace(A, path="/else"), B), base=ModelRef("/else", "base"))
    assert same_models(recipe, moved) is None
    assert (
        same_models(recipe, replace(mine, base=ModelRef("/b", "x"))) == "its base (/base) is not this study's"
    )
    other = replace(mine, experts=(A, ModelRef("/c", "cccc")))
    assert same_models(recipe, other) == "its expert /models/b is none of this study's"
    more = replace(mine, experts=(A, B, ModelRef("/c", "cccc")), expert_names=("a", "b", "c"))
    assert same_models(recipe, more) == "it lacks this study's expert 'c'"
    assert translate(recipe, other, NAMES) is None


def stacking(groups: int | str, **layers: Any) -> SearchSpace:
    given = {"budget": 8, **layers}
    return space(methods=("passthrough",), layer_groups=groups, layers=given, density=0.5)


def test_a_path_is_taken_over_where_the_groups_can_take_it() -> None:
    coarse, fine = stacking(2), stacking("each")
    path = {"source.layers0-1.1": "a", "source.layers2-3.1": "b"}
    recipe = coarse.decode({**path, "source.layers0-1.2": "-", "source.layers2-3.2": "-"})
    point = translate(recipe, fine, NAMES)
    assert point is not None
    assert [point[f"source.layer{i}.1"] for i in range(4)] == ["a", "a", "b", "b"]
    assert fine.decode(point).digest == recipe.digest
    again = coarse.decode({**path, "source.layers0-1.2": "b", "source.layers2-3.2": "-"})
    assert translate(again, coarse, NAMES) is not None
    assert translate(again, fine, NAMES) is None, "layers 0 1 0 1, which goes back"
    assert translate(again, stacking(2, copies=1), NAMES) is None, "no group may come twice"
    skipping = coarse.decode(dict.fromkeys(coarse.distributions, "-"))
    assert translate(skipping, stacking(2, skip=False), NAMES) is None
