"""A sampler's numbers become a recipe: each tensor gets the parameters of its layer group and module."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merging.methods.registry import METHODS
from merging.recipe import ModelRef
from search.errors import SpecError
from search.proposals.space import SearchSpace
from search.proposals.starting_points import starting_points
from search.study_file.spec import SearchSpaceSpec

ATTENTION = "model.layers.{}.self_attn.q_proj.weight"
MLP = "model.layers.{}.mlp.up_proj.weight"
EMBEDDING = "model.embed_tokens.weight"
NORM = "model.layers.{}.input_layernorm.weight"


def space(n_layers: int = 4, **fields: Any) -> SearchSpace:
    spec = SearchSpaceSpec(**{"methods": ("ties",), "layer_groups": 2, **fields})
    refs = tuple(ModelRef(f"/models/{name}", name * 8) for name in ("a", "b"))
    return SearchSpace(spec, ModelRef("/models/base", "base"), refs, ("a", "b"), n_layers, "bfloat16", 0)


def test_every_site_and_expert_has_a_weight_and_a_density() -> None:
    names = set(space().distributions)
    assert len(names) == (2 * 2 + 1) * 2 * 2
    assert {"weight.layers0-1.mlp.a", "density.layers2-3.self_attn.b", "weight.outer.a"} <= names


def test_a_tensor_gets_the_numbers_of_its_group_and_module() -> None:
    some = space()
    params = {name: 0.5 for name in some.distributions}
    params |= {"weight.layers0-1.mlp.a": 0.25, "weight.layers2-3.self_attn.b": 0.75, "weight.outer.a": 0.125}
    recipe = some.decode(params)
    assert recipe.parameters_for(MLP.format(1), 1).weight == (0.25, 0.5)
    assert recipe.parameters_for(MLP.format(2), 2).weight == (0.5, 0.5)
    assert recipe.parameters_for(ATTENTION.format(3), 3).weight == (0.5, 0.75)
    assert recipe.parameters_for("model.embed_tokens.weight", None).weight == (0.125, 0.5)


def test_a_norm_moves_as_its_layer_does_on_average() -> None:
    some = space()
    params = {name: 0.5 for name in some.distributions}
    params |= {"weight.layers0-1.mlp.a": 0.2, "weight.layers0-1.self_attn.a": 0.6}
    assert some.decode(params).parameters_for(NORM.format(0), 0).weight == (0.4, 0.5)


def test_fixed_numbers_are_not_searched_but_used() -> None:
    some = space(density=(0.3, 0.3), lambda_=(0.8, 0.8))
    assert not [name for name in some.distributions if name.startswith(("density", "lambda"))]
    parameters = some.decode({name: 1.0 for name in some.distributions}).parameters_for(MLP.format(0), 0)
    assert (parameters.density, parameters.lambda_) == ((0.3, 0.3), 0.8)


def test_several_methods_are_searched_too() -> None:
    some = space(methods=("ties", "linear"))
    recipe = some.decode(
        {name: 0.5 for name in some.distributions if name != "method"} | {"method": "linear"}
    )
    assert recipe.method == "linear"
    assert recipe.parameters_for(MLP.format(0), 0).normalize, "an average of models has to be one"


def test_task_vectors_are_not_normalized_unless_asked() -> None:
    params = {name: 0.5 for name in space().distributions}
    assert not space().decode(params).parameters_for(MLP.format(0), 0).normalize
    assert space(normalize=True).decode(params).parameters_for(MLP.format(0), 0).normalize


@pytest.mark.parametrize(("layers", "groups", "lengths"), [(4, 2, [2, 2]), (5, 2, [2, 3]), (7, 3, [2, 3, 2])])
def test_groups_are_as_equal_as_can_be_and_cover_every_layer(
    layers: int, groups: int, lengths: list[int]
) -> None:
    found = space(layers, layer_groups=groups).groups
    assert [stop - start for start, stop in found] == lengths
    assert found[0][0] == 0
    assert found[-1][1] == layers


def test_each_layer_may_be_a_group() -> None:
    assert space(3, layer_groups="each").groups == ((0, 1), (1, 2), (2, 3))


def test_more_groups_than_layers_are_refused() -> None:
    with pytest.raises(SpecError, match="5 groups of a model with 4 layers; ask for at most 4, or `each`"):
        space(4, layer_groups=5).groups  # noqa: B018


@given(st.data())
def test_any_numbers_within_the_ranges_make_a_recipe(data: st.DataObject) -> None:
    some = space()
    params = {
        name: data.draw(st.floats(bounds.low, bounds.high))  # type: ignore[attr-defined]
        for name, bounds in some.distributions.items()
    }
    recipe = some.decode(params)
    assert recipe.digest == some.decode(dict(reversed(params.items()))).digest
    again = {name: round(value, 4) for name, value in params.items()}
    assert recipe == some.decode(again), "a recipe is what its four decimals say"


def test_starting_points_lie_within_the_space_and_differ() -> None:
    some = space(methods=("ties", "linear"), weight=(0.2, 0.8), density=(0.3, 0.6))
    points = starting_points(some)
    assert len({some.decode(point).digest for point in points}) == len(points) >= 3
    for point in points:
        for name, bounds in some.distributions.items():
            assert bounds._contains(bounds.to_internal_repr(point[name])), name


def test_a_leading_expert_weighs_more_at_every_site() -> None:
    names = ("Llama-3.1-8B", "Qwen2.5")
    refs = tuple(ModelRef(f"/models/{name}", name) for name in names)
    spec = SearchSpaceSpec(methods=("ties",), layer_groups=2, weight=(0.0, 2.0))
    some = SearchSpace(spec, ModelRef("/models/base", "base"), refs, names, 4, "bfloat16", 0)
    recipe = some.decode(some.point("ties", {"Llama-3.1-8B": 0.5, "Qwen2.5": 0.1}))
    for name, layer in ((MLP.format(0), 0), (ATTENTION.format(3), 3), ("lm_head.weight", None)):
        assert recipe.parameters_for(name, layer).weight == (1.0, 0.2)
        assert recipe.parameters_for(name, layer).density == (0.55, 0.55)


def weights_of(some: SearchSpace, point: dict[str, Any]) -> tuple[set[float | tuple[float, ...]], ...]:
    """In the layers, and outside of them."""
    recipe = some.decode(point)
    inside = {recipe.parameters_for(MLP.format(i), i).weight for i in range(some.n_layers)}
    return inside, {recipe.parameters_for(name, None).weight for name in ("lm_head.weight", EMBEDDING)}


def test_the_first_merge_is_an_even_share_in_the_layers_on_nearly_the_base_s_embeddings() -> None:
    some = space(methods=("ties",), weight=(0.0, 1.5))
    assert weights_of(some, starting_points(some)[0]) == ({(0.5, 0.5)}, {(0.05, 0.05)})
    assert some.decode(starting_points(some)[0]).parameters_for(MLP.format(0), 0).lambda_ == 1.0


def test_strength_and_lead_are_tried_in_the_layers_alone() -> None:
    some = space(methods=("ties",))
    found = [weights_of(some, point) for point in starting_points(some)]
    inside = [(0.5, 0.5), (0.1, 0.1), (0.25, 0.25), (0.75, 0.75), (0.75, 0.25), (0.25, 0.75)]
    assert [only for (only,), _ in found] == inside
    assert [only for _, (only,) in found] == [
        (0.1, 0.1) if each == (0.1, 0.1) else (0.05, 0.05) for each in inside
    ]


def test_a_start_beyond_the_ranges_is_at_their_ends() -> None:
    some = space(methods=("ties",), weight=(0.2, 0.4))
    assert weights_of(some, starting_points(some)[0]) == ({(0.4, 0.4)}, {(0.2, 0.2)})


def test_of_many_methods_each_has_its_first_start() -> None:
    methods = tuple(
        name for name, each in METHODS.items() if each.on_task_vectors and each.experts[1] is None
    )[:9]
    some = space(methods=methods, density=(0.3, 0.7))
    assert [point["method"] for point in starting_points(some, 20)][: len(methods)] == list(methods)


def names_of(some: SearchSpace) -> set[str]:
    return {name.partition(".")[0] for name in some.distributions}


def test_any_parameter_of_the_registry_is_searched_or_fixed() -> None:
    some = space(methods=("breadcrumbs",), gamma=(0.0, 0.05), rescale=True, density=(0.2, 0.8))
    assert names_of(some) == {"weight", "density", "gamma"}
    assert "gamma.layers0-1.mlp.b" in some.distributions
    params = {name: 0.5 for name in some.distributions} | {"gamma.layers0-1.mlp.b": 0.01}
    parameters = some.decode(params).parameters_for(MLP.format(0), 0)
    assert dict(parameters.more)["gamma"] == (0.05, 0.01)
    assert parameters.rescale
    fixed = space(methods=("sce",), select_topk=(0.3, 0.3), variant="fusechat")
    assert fixed.distributions == {}
    more = fixed.decode({}).parameters_for(MLP.format(0), 0).more
    assert more == (("select_topk", 0.3), ("variant", "fusechat"))


def test_what_no_method_reads_is_not_searched() -> None:
    assert names_of(space(methods=("model_stock",))) == set()
    assert names_of(space(methods=("multislerp",))) == {"weight"}
    assert names_of(space(methods=("ties", "sce"), select_topk=(0.1, 1.0))) == {
        "method",
        "weight",
        "density",
        "select_topk",
    }


def test_one_number_for_all_experts_is_searched_per_site() -> None:
    spec = SearchSpaceSpec(methods=("nearswap",), layer_groups=1, t=(0.00001, 0.001))
    some = SearchSpace(spec, ModelRef("base", "base"), (ModelRef("a", "a"),), ("a",), 4, "bfloat16", 0)
    assert set(some.distributions) == {"t.layers0-3.self_attn", "t.layers0-3.mlp", "t.outer"}
    made = some.decode({name: 0.000123456 for name in some.distributions})
    assert made.parameters_for(MLP.format(0), 0).get("t", 0.0) == 0.0001235
    assert made.parameters_for(NORM.format(0), 0).get("t", 0.0) == 0.0001235
    assert len(starting_points(some)) == 1


@given(st.data())
def test_gamma_and_epsilon_give_way_to_density(data: st.DataObject) -> None:
    some = space(methods=("della", "breadcrumbs"), gamma=(0.0, 0.3), epsilon=(0.0, 0.5))
    params: dict[str, Any] = {
        name: data.draw(st.floats(bounds.low, bounds.high))
        for name, bounds in some.distributions.items()
        if name != "method"
    }
    for method in ("della", "breadcrumbs"):
        for rule in some.decode({**params, "method": method}).outer:
            density, more = rule.parameters.density, dict(rule.parameters.more)
            for i, kept in enumerate(density):
                if kept == 1:
                    continue  # nothing is left out of this expert, whatever gamma and epsilon say
                if method == "breadcrumbs":
                    assert kept + more["gamma"][i] <= 1
                else:
                    assert 0 <= kept - more["epsilon"][i] <= kept + more["epsilon"][i] <= 1


def test_starting_points_of_every_method_mean_a_merge() -> None:
    for method in METHODS.values():
        count = method.experts[1] or 2
        refs = tuple(ModelRef(name, name) for name in ("a", "b")[:count])
        more = {"t": (0.0, 1.0)} if "t" in method.parameters else {}
        spec = SearchSpaceSpec(methods=(method.name,), layer_groups=2, density=(0.3, 0.7), **more)
        some = SearchSpace(spec, ModelRef("base", "base"), refs, ("a", "b")[:count], 4, "bfloat16", 0)
        for point in starting_points(some) or [{}]:
            assert some.decode(point).method == method.name
