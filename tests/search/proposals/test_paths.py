"""Layer paths: which expert gives which layers, some again, some not at all; every choice is a path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merging.recipe import ModelRef, Recipe
from search.errors import SpecError
from search.proposals.space import SearchSpace
from search.proposals.starting_points import starting_points
from search.study_file.spec import SearchSpaceSpec

EXPERTS = ("a", "Qwen2.5-1.5B")


def space(n_layers: int = 4, layer_groups: int | str = 2, **layers: Any) -> SearchSpace:
    spec = SearchSpaceSpec(
        methods=("passthrough",),
        layer_groups=layer_groups,  # type: ignore[arg-type]
        layers={"budget": 2 * n_layers, **layers},  # type: ignore[arg-type]
    )
    refs = tuple(ModelRef(f"/models/{name}", name * 8) for name in EXPERTS)
    return SearchSpace(spec, ModelRef("/models/base", "base"), refs, EXPERTS, n_layers, "bfloat16", 0)


def path(recipe: Recipe) -> list[tuple[str, int]]:
    """Who gives each layer of the merged model, and which of its own that is."""
    found = []
    for layer in range(recipe.depth):
        ((name, origin),) = [
            (name, origin)
            for i, name in enumerate(EXPERTS, 1)
            if (origin := recipe.origin(i, layer)) is not None
        ]
        found.append((name, origin))
    return found


def test_each_place_on_a_path_is_a_choice_among_experts_and_nobody() -> None:
    choices = space().distributions
    assert list(choices) == [
        "source.layers0-1.1", "source.layers0-1.2", "source.layers2-3.1", "source.layers2-3.2",
    ]  # fmt: skip
    assert choices["source.layers0-1.1"].choices == (*EXPERTS, "-")  # type: ignore[attr-defined]
    assert choices["source.layers2-3.2"].choices == ("-", *EXPERTS)  # type: ignore[attr-defined]


def test_a_path_is_taken_as_chosen() -> None:
    chosen = {"source.layers0-1.1": "a", "source.layers0-1.2": "Qwen2.5-1.5B", "source.layers2-3.1": "-"}
    recipe = space().decode({**chosen, "source.layers2-3.2": "a"})
    other = "Qwen2.5-1.5B"
    assert path(recipe) == [("a", 0), ("a", 1), (other, 0), (other, 1), ("a", 2), ("a", 3)]
    assert (recipe.method, recipe.depth, recipe.stacked) == ("passthrough", 6, True)


def test_what_goes_beyond_the_budget_loses_its_last_repetitions() -> None:
    some = space(budget=6)
    assert path(some.decode(dict.fromkeys(some.distributions, "a"))) == [
        ("a", 0), ("a", 1), ("a", 0), ("a", 1), ("a", 2), ("a", 3),
    ]  # fmt: skip


def test_a_path_without_a_layer_takes_the_first_group() -> None:
    some = space()
    assert path(some.decode(dict.fromkeys(some.distributions, "-"))) == [("a", 0), ("a", 1)]


def test_a_budget_below_the_models_own_depth_is_refused() -> None:
    with pytest.raises(SpecError, match="budget: 3 layers, but the path through the models' own has 4; give"):
        space(budget=3).distributions  # noqa: B018


@given(st.data())
def test_every_choice_is_a_path_within_the_budget(data: st.DataObject) -> None:
    some = space(5, "each", budget=data.draw(st.integers(5, 12)), copies=data.draw(st.integers(1, 3)))
    assert some.spec.layers is not None
    params = {
        name: data.draw(st.sampled_from(each.choices))  # type: ignore[attr-defined]
        for name, each in some.distributions.items()
    }
    recipe = some.decode(params)
    assert 1 <= recipe.depth <= some.spec.layers.budget
    assert sorted(origin for _, origin in path(recipe)) == [origin for _, origin in path(recipe)]
    assert recipe.digest == some.decode(params).digest


def test_without_repetitions_and_omissions_a_path_only_says_who_gives_each_layer() -> None:
    some = space(3, "each", copies=1, skip=False)
    assert all(each.choices == EXPERTS for each in some.distributions.values())  # type: ignore[attr-defined]
    chosen = {name: EXPERTS[i % 2] for i, name in enumerate(some.distributions)}
    assert path(some.decode(chosen)) == [("a", 0), ("Qwen2.5-1.5B", 1), ("a", 2)]


def test_a_search_starts_with_each_expert_as_it_is_then_with_its_middle_repeated() -> None:
    some = space(4, "each", budget=5)
    starts = [path(some.decode(point)) for point in starting_points(some)]
    for name in EXPERTS:
        assert [(name, i) for i in range(4)] in starts[:2]
        assert [(name, i) for i in (0, 1, 2, 2, 3)] in starts[2:]
    assert len(starts) == 4
    assert len(starting_points(space(4, "each", budget=4))) == 2, "the budget has no room for more"


def test_scales_of_layers_are_searched_beside_their_path() -> None:
    spec = SearchSpaceSpec(
        methods=("passthrough",),
        layer_groups=2,
        scale=(0.5, 1.5),
        layers={"budget": 4, "copies": 1},  # type: ignore[arg-type]
    )
    refs = tuple(ModelRef(name, name) for name in EXPERTS)
    some = SearchSpace(spec, ModelRef("base", "base"), refs, EXPERTS, 4, "bfloat16", 0)
    assert {"scale.layers0-1.mlp", "scale.outer", "source.layers0-1.1"} <= set(some.distributions)
    (point, _) = starting_points(some)
    recipe = some.decode({**point, "scale.layers2-3.mlp": 0.75})
    assert recipe.parameters_for("model.layers.3.mlp.up_proj.weight", 3).get("scale", 0.0) == 0.75
