"""What means no merge is refused by the registry, in one line with group, field, value and remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merging.errors import RecipeError
from merging.methods.registry import METHODS, PARAMETERS
from merging.recipe import ModelRef, Parameters, Recipe, dump_recipe, load_recipe, whole_model
from merging.recipe.checks import span

REFS = tuple(ModelRef(name, name) for name in ("base", "one", "two"))


def made(method: str, experts: int = 2, recipe: dict[str, Any] | None = None, **changes: Any) -> Recipe:
    """A recipe whose parameters' further fields are given by name."""
    fields = {"weight": (0.5, 0.25)[:experts], "density": (0.5, 0.5)[:experts]}
    own = {name: changes.pop(name) for name in list(changes) if name in Parameters.__dataclass_fields__}
    more = tuple(sorted(changes.items()))
    layers, outer = whole_model(Parameters(**{**fields, **own, "more": more}), 2)
    return Recipe(REFS[0], REFS[1 : experts + 1], method, layers, outer, "float32", **(recipe or {}))


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("ties", {"t": 0.5}, None),
        ("ties", {"tt": 0.5}, "tt: is no further parameter; ties reads none"),
        ("breadcrumbs", {"gama": (0.1, 0.1)}, "gama: is no further parameter; did you mean 'gamma'"),
        ("breadcrumbs", {"normalize_": True}, "normalize_: is no further parameter"),
        ("breadcrumbs", {"gamma": 0.1}, "gamma: 0.1 for 2 experts; give one each"),
        ("breadcrumbs", {"gamma": (0.1,)}, "gamma: 1 numbers for 2 experts; give one each"),
        ("breadcrumbs", {"gamma": (0.1, 1.2)}, "gamma: 1.2 is out of range; give a number from 0 up to 1"),
        (
            "breadcrumbs",
            {"gamma": (0.1, 0.6)},
            "gamma: 0.6 of expert 2 with density 0.5 drops more than the 0.5",
        ),
        ("breadcrumbs", {"gamma": (0.1, 0.5)}, None),
        ("breadcrumbs", {"density": (0.995, 1.0)}, None),
        ("breadcrumbs", {"gamma": (0.1, 0.6), "recipe": {"compat": "mergekit"}}, None),
        (
            "della",
            {"epsilon": (0.1, 0.5)},
            r"layers 0-1: epsilon: 0.5 of expert 2 with density 0.5 leaves \(0, 1\)",
        ),
        (
            "della",
            {"density": (0.9, 0.5)},
            "epsilon: 0.15 of expert 1 with density 0.9.*give an epsilon below 0.1",
        ),
        ("della", {"density": (0.1, 0.5)}, "give an epsilon below 0.1, or another density"),
        ("della", {"density": (1.0, 0.5)}, None),
        ("della_linear", {"density": (0.9, 0.5), "epsilon": (0.05, 0.4)}, None),
        ("sce", {"select_topk": 1.5}, "select_topk: 1.5 is out of range"),
        ("sce", {"select_topk": float("nan")}, "select_topk: must be a finite number"),
        ("sce", {"select_topk": True}, "select_topk: expected a number, found True"),
        (
            "sce",
            {"variant": "fuse"},
            "variant: 'fuse' is none of mergekit, fusechat; did you mean 'fusechat'",
        ),
        ("karcher", {"max_iter": 2.5}, "max_iter: expected a whole number, found 2.5"),
        ("karcher", {"max_iter": 0}, "max_iter: 0 is out of range; give a number from 1 up to 1000"),
        ("model_stock", {"filter_wise": 1}, "filter_wise: expected true or false, found 1"),
        ("multislerp", {"eps": 0.0}, "eps: 0.0 is out of range; give a number above 0"),
        ("multislerp", {"weight": (0.5, -0.5)}, r"weight: \[0.5, -0.5\] sum to zero"),
        ("multislerp", {"weight": (0.5, -0.5), "normalize_weights": False}, None),
        ("multislerp", {"weight": (0.0, 0.0), "normalize_weights": False}, "sum to zero"),
        ("nuslerp", {"weight": (0.5, -0.5)}, None),
        ("linear", {"weight": (0.5, -0.5), "normalize": True}, "give weights that do not cancel"),
        ("slerp", {"experts": 1}, "t: missing; slerp needs it"),
        ("slerp", {"experts": 1, "t": 1.01}, r"t: 1.01 is beyond the expert; give a number from 0 \(base\)"),
        ("slerp", {"experts": 1, "t": -0.1}, "t: -0.1 is out of range; give a number from 0"),
        ("nearswap", {"experts": 1, "t": 1.5}, None),
        ("slerp", {"t": 0.5}, "slerp takes 1 expert beside the base, found 2"),
        ("model_stock", {"experts": 1}, "model_stock takes at least 2 experts beside the base, found 1"),
        ("ties", {"density": (0.0, 0.5)}, None),
        ("ties", {"density": (-0.1, 0.5)}, "use weight 0 to leave one out"),
        ("dare_ties", {"density": (0.0, 0.5)}, r"leaves \(0, 1\]; use weight 0 to leave one out"),
        ("ties", {"recipe": {"compat": "fusion"}}, "compat: 'fusion' is none of mergekit"),
        ("ties", {"recipe": {"arithmetic_dtype": "float32"}}, "arithmetic_dtype: stands only beside compat"),
        (
            "ties",
            {"recipe": {"compat": "mergekit", "arithmetic_dtype": "half"}},
            "arithmetic_dtype: 'half' is none",
        ),
        ("tsv", {"recipe": {"compat": "mergekit"}}, "compat: mergekit 0.1.5 has no method 'tsv'"),
        ("sce", {"variant": "fusechat", "recipe": {"compat": "mergekit"}}, "variant: mergekit knows its own"),
    ],
)
def test_parameters_are_held_against_the_registry(
    method: str, changes: dict[str, Any], message: str | None
) -> None:
    if message is None:
        made(method, **changes)
        return
    with pytest.raises(RecipeError, match=message) as error:
        made(method, **changes)
    assert "\n" not in str(error.value)


def test_a_parameter_with_a_field_of_its_own_has_no_place_among_the_others() -> None:
    own = Parameters((1.0,), (1.0,), more=(("density", 0.5),))
    with pytest.raises(RecipeError, match="density: is no further parameter; it has a field of its own"):
        Recipe(REFS[0], REFS[1:2], "ties", *whole_model(own, 1), "float32")
    twice = replace(own, more=(("t", 0.5), ("t", 0.6)))
    with pytest.raises(RecipeError, match="t: given twice"):
        Recipe(REFS[0], REFS[1:2], "nearswap", *whole_model(twice, 1), "float32")


def test_what_is_not_given_is_the_registrys_default() -> None:
    assert made("breadcrumbs").digest == made("breadcrumbs", gamma=(0.01, 0.01)).digest
    assert made("breadcrumbs").digest != made("breadcrumbs", gamma=(0.01, 0.02)).digest
    assert made("sce").digest == made("sce", select_topk=1, variant="mergekit").digest
    assert made("ties").digest == made("ties", t=0.5).digest, "ties reads no t"
    assert made("karcher", weight=(0.1, 0.2)).digest == made("karcher").digest


def test_thinning_does_not_count_where_nothing_is_thinned() -> None:
    for silent in ({"weight": (0.5, 0.0)}, {"density": (0.5, 1.0)}):
        one, other = (made("della", **silent, epsilon=(0.1, e)) for e in (0.2, 0.3))
        assert one.digest == other.digest
    assert made("della", epsilon=(0.1, 0.2)).digest != made("della", epsilon=(0.1, 0.3)).digest


def test_compat_makes_another_candidate() -> None:
    digests = {
        made("ties", recipe=recipe).digest
        for recipe in (
            None,
            {"compat": "mergekit"},
            {"compat": "mergekit", "arithmetic_dtype": "bfloat16"},
        )
    }
    assert len(digests) == 3
    assert (
        made("ties", recipe={"compat": "mergekit", "arithmetic_dtype": "float32"}).digest
        == made("ties", recipe={"compat": "mergekit"}).digest
    )


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("breadcrumbs", {"gamma": (0.1, 0.2)}),
        ("karcher", {"max_iter": 3, "tol": 1e-4}),
        ("sce", {"variant": "fusechat"}),
        ("multislerp", {"from_base": True, "recipe": {"compat": "mergekit", "arithmetic_dtype": "float16"}}),
    ],
)
def test_a_recipe_file_names_further_parameters_as_the_registry_does(method: str, changes: Any) -> None:
    recipe = made(method, **changes)
    text = dump_recipe(recipe)
    assert load_recipe(text, "r.yaml") == recipe
    for name in changes.keys() - {"recipe"}:
        assert f"{name}: " in text


def test_a_recipe_file_is_refused_what_its_method_does_not_read() -> None:
    data = made("ties").to_dict()
    data["outer"][0]["gamma"] = [0.1, 0.1]
    with pytest.raises(RecipeError, match=r"outer\[0\]: unknown field 'gamma'"):
        Recipe.from_dict(data, "r.yaml")
    with pytest.raises(RecipeError, match=r"r.yaml: method: unknown method 'tie'"):
        Recipe.from_dict({**data, "method": "tie"}, "r.yaml")


def test_every_default_is_in_its_range() -> None:
    for method in METHODS.values():
        experts = method.experts[1] or 2
        given = {name: 0.5 for name in ("t",) if name in method.parameters}
        assert made(method.name, experts=experts, **given).method == method.name


@pytest.mark.parametrize(
    ("name", "said"), [("weight", "of any size"), ("density", "above 0 up to 1"), ("t", "from 0")]
)
def test_ranges_are_said_in_words(name: str, said: str) -> None:
    assert span(PARAMETERS[name]) == said
