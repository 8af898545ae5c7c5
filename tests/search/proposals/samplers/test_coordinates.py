"""Few coarse coordinates stand for the many numbers of a space, whatever experts and modules are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from merging.recipe import ModelRef
from search.proposals.samplers.coordinates import Coordinates, coarse_names
from search.proposals.space import SearchSpace
from search.study_file.search_space import SearchSpaceSpec


def test_what_every_site_has_is_one_coarse_coordinate() -> None:
    sites = ("layers0-1.mlp", "layer2.self_attn", "outer")
    names = [f"weight.{site}.{expert}" for site in sites for expert in ("math", "code")]
    assert [*coarse_names(names).values()] == 3 * ["weight.math", "weight.code"]


def test_names_with_dots_are_told_apart() -> None:
    sites, experts = ("layer0.self_attn.q_proj", "outer"), ("qwen2.5", "5")
    names = [f"weight.{site}.{expert}" for site in sites for expert in experts]
    assert [*coarse_names(names).values()] == 2 * ["weight.qwen2.5", "weight.5"]


def test_what_has_no_expert_has_its_sites_together() -> None:
    names = ("lambda.layer0.mlp", "lambda.layer1.mlp", "lambda.outer", "t.layer0.all")
    assert [*coarse_names(names).values()] == ["lambda", "lambda", "lambda", "t.layer0.all"]


def test_what_belongs_to_no_site_stands_for_itself() -> None:
    assert coarse_names(("x0", "weight.curve1.math", "method")) == {
        "x0": "x0",
        "weight.curve1.math": "weight.curve1.math",
        "method": "method",
    }


def test_points_fall_into_mean_and_rest() -> None:
    space = {
        "method": CategoricalDistribution(("ties", "linear")),
        "weight.layer0.mlp.a": FloatDistribution(-1.0, 1.0),
        "weight.outer.a": FloatDistribution(-1.0, 1.0),
        "x": FloatDistribution(0.0, 4.0),
    }
    place = Coordinates.of(space)
    rows = np.array([[1.0, -1.0, 0.0, 3.0], [0.0, 1.0, 1.0, 0.0]])
    unit = place.to_unit(rows)
    assert unit.tolist() == [[1.0, 0.0, 0.5, 0.75], [0.0, 1.0, 1.0, 0.0]]
    assert place.from_unit(unit).tolist() == rows.tolist()
    assert place.coarse(unit).tolist() == [[0.25, 0.75], [1.0, 0.0]]
    assert place.residual(unit).tolist() == [[0.0, -0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0]]
    coarse, residual, other = place.distances(place.seen(unit[:1]), place.seen(unit[1:]))
    assert np.allclose([coarse[0, 0], residual[0, 0], other[0, 0]], [0.75**2 + 0.75**2, 0.125, 1.0])


def space(**fields: Any) -> SearchSpace:
    spec = SearchSpaceSpec(**{"methods": ("ties",), "layer_groups": 2, **fields})
    refs = tuple(ModelRef(f"/models/{name}", name * 8) for name in ("a", "b"))
    return SearchSpace(spec, ModelRef("/models/base", "base"), refs, ("a", "b"), 6, "bfloat16", 0)


def coarse(**fields: Any) -> set[str]:
    """The coarse coordinates of a real search space."""
    return set(coarse_names(space(**fields).distributions).values())


TIES = {"weight.a", "weight.b", "density.a", "density.b"}


@pytest.mark.parametrize(
    "fields",
    [
        {"layer_groups": 2},
        {"layer_groups": "each"},
        {"layer_groups": "each", "gradient": 3},
        {"layer_groups": "each", "gradient": 6},
        {"layer_groups": 3, "modules": ("q_proj", "mlp.up_proj")},
        {"modules": ()},
    ],
    ids=["groups", "each layer", "gradient", "gradient over each layer", "dotted modules", "no modules"],
)
def test_however_depth_is_cut_its_sites_are_found(fields: dict[str, Any]) -> None:
    assert coarse(**fields) == TIES


def test_parameters_of_single_methods_have_coarse_coordinates_too() -> None:
    own = {"epsilon": (0.05, 0.2), "gamma": (0.0, 0.1), "t": (0.1, 0.9), "select_topk": (0.1, 0.9)}
    found = coarse(methods=("ties", "della", "breadcrumbs", "slerp", "sce"), **own, **{"lambda": (0.5, 1.5)})
    each = {f"{name}.{expert}" for name in ("epsilon", "gamma") for expert in "ab"}
    assert found == {*TIES, *each, "method", "lambda", "t", "select_topk"}


def test_each_place_on_a_layer_path_is_a_choice_of_its_own() -> None:
    layers = {"budget": 8, "copies": 2, "skip": True}
    some = space(methods=("passthrough",), layers=layers, scale=(0.5, 1.5))
    names = coarse_names(some.distributions)
    places = {f"source.layers{group}.{copy}" for group in ("0-2", "3-5") for copy in (1, 2)}
    assert {name for name in names if name.startswith("source.")} == places
    assert {name: whole for name, whole in names.items() if name in places} == {name: name for name in places}
    assert {whole for name, whole in names.items() if name not in places} == {"scale"}


def test_whatever_a_space_calls_its_numbers_none_of_a_site_stands_for_itself() -> None:
    each: dict[str, Any] = {"layer_groups": "each"}
    for fields in (each, {**each, "gradient": 2}, {"methods": ("ties", "slerp", "della"), "t": (0.0, 1.0)}):
        names = coarse_names(space(**fields).distributions)
        assert [name for name, whole in names.items() if name == whole and name != "method"] == []
