from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from merging.errors import RecipeError
from merging.recipe import (
    LayerGroup,
    ModelRef,
    Parameters,
    Recipe,
    Rule,
    dump_recipe,
    load_recipe,
    whole_model,
)

BASE = ModelRef("base", "b0")
EXPERTS = (ModelRef("one", "e1"), ModelRef("org/two", "e2", revision="main"))
HALF = Parameters((0.5, 0.5), (0.4, 1.0), 1.0, True)
THIRD = Parameters((0.3, -0.3), (0.2, 0.3), 0.7, True)


def recipe(method: str = "ties", **changes: Any) -> Recipe:
    layers = (
        LayerGroup(0, 1, (Rule(("mlp",), THIRD), Rule((), HALF))),
        LayerGroup(1, 4, (Rule(("self_attn", "q_proj"), THIRD), Rule((), HALF))),
    )
    made = Recipe(BASE, EXPERTS, method, layers, (Rule((), HALF),), "bfloat16")
    return replace(made, **changes)


def whole(method: str, parameters: Parameters, **changes: Any) -> Recipe:
    layers, outer = whole_model(parameters, 4)
    return replace(Recipe(BASE, EXPERTS, method, layers, outer, "bfloat16"), **changes)


def test_the_first_matching_rule_wins() -> None:
    made = recipe()
    assert made.parameters_for("model.layers.0.mlp.up_proj.weight", 0) == THIRD
    assert made.parameters_for("model.layers.0.input_layernorm.weight", 0) == HALF
    assert made.parameters_for("model.layers.3.self_attn.q_proj.weight", 3) == THIRD
    assert made.parameters_for("model.layers.3.self_attn.k_proj.weight", 3) == HALF
    assert made.parameters_for("lm_head.weight", None) == HALF


def test_a_layer_beyond_the_recipe_is_refused() -> None:
    with pytest.raises(RecipeError, match="the recipe has layers 0-3, the model has a layer 4"):
        recipe().parameters_for("model.layers.4.mlp.up_proj.weight", 4)


def test_yaml_gives_the_same_recipe_back() -> None:
    assert load_recipe(dump_recipe(recipe()), "r.yaml") == recipe()


def test_how_models_are_opened_is_remembered_but_is_no_part_of_the_merge() -> None:
    made = recipe(tokenizer_source="union", pad_to_multiple_of=8, allow_pickle=True)
    assert load_recipe(dump_recipe(made), "r.yaml") == made
    assert made.digest == recipe().digest
    assert not {"tokenizer_source", "pad_to_multiple_of", "allow_pickle"} & recipe().to_dict().keys()
    with pytest.raises(RecipeError, match="pad_to_multiple_of: 8; give a number above 0 beside"):
        recipe(pad_to_multiple_of=8)


def test_a_dict_survives_json() -> None:
    assert Recipe.from_dict(json.loads(json.dumps(recipe().to_dict()))) == recipe()


def test_the_digest_rests_on_content_not_on_places() -> None:
    moved = recipe(base=ModelRef("elsewhere", "b0", "v2"))
    assert moved.digest == recipe().digest
    assert recipe(base=ModelRef("base", "other")).digest != recipe().digest


@pytest.mark.parametrize(
    "change",
    [
        {"experts": EXPERTS[::-1]},
        {"dtype": "float32"},
        {"method": "dare_ties"},
        {"outer": (Rule((), THIRD),)},
        {"layers": recipe().layers[:1]},
    ],
)
def test_everything_that_changes_bytes_changes_the_digest(change: dict[str, Any]) -> None:
    assert recipe(**change).digest != recipe().digest


def test_the_seed_counts_only_where_something_is_drawn() -> None:
    assert recipe(seed=1).digest == recipe().digest
    assert recipe("dare_ties", seed=1).digest != recipe("dare_ties").digest


def test_what_a_method_ignores_does_not_count() -> None:
    plain = Parameters((0.5, 0.5), (1.0, 1.0))
    for other in (
        replace(plain, density=(0.1, 0.2)),
        replace(plain, lambda_=3.0),
        replace(plain, rescale=True),
    ):
        assert whole("linear", other).digest == whole("linear", plain).digest
    assert (
        whole("task_arithmetic", replace(plain, lambda_=3.0)).digest != whole("task_arithmetic", plain).digest
    )


def test_an_expert_of_weight_zero_has_no_density() -> None:
    silent = Parameters((0.5, 0.0), (0.5, 0.1))
    assert whole("ties", silent).digest == whole("ties", replace(silent, density=(0.5, 0.9))).digest


def test_the_same_rules_over_finer_groups_are_the_same_merge() -> None:
    rules = (Rule((), HALF),)
    fine = (LayerGroup(0, 1, rules), LayerGroup(1, 4, (Rule(("mlp",), HALF), *rules)))
    assert whole("ties", HALF).digest == whole("ties", HALF, layers=fine).digest


def test_whole_and_fractional_numbers_mean_the_same() -> None:
    assert (
        whole("ties", Parameters((1, 0), (1, 1))).digest
        == whole("ties", Parameters((1.0, -0.0), (1.0, 1.0))).digest
    )


def test_the_digest_is_the_same_in_another_process() -> None:
    code = (
        "import sys; from merging.recipe import load_recipe; print(load_recipe(sys.stdin.read(), '').digest)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], input=dump_recipe(recipe()), capture_output=True, text=True
    )
    assert out.stdout.strip() == recipe().digest


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        ("task_arithmetic", "4bf71765bcd30da6d9e324a6c03e927ce4f44dab137072b91c274c88eeaf6ba6"),
        ("ties", "7d69bac476fb85144cc68f27245f49186456a1af47a5244d2e1758ebddab3188"),
        ("dare_linear", "a730c410ab7f8150018bac148403187ea19d8c7468a2694b50013477fb89584b"),
    ],
)
def test_evidence_stays_where_it_was_filed(method: str, digest: str) -> None:
    """Digests of 0.1.0; those of methods that draw masks are of the second way to draw them."""
    assert recipe(method).digest == digest


def test_recipes_need_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None;"
        " import merging.recipe, merging.methods.registry, merging.mergekit.write, merging.mergekit.read"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "teis"}, "did you mean 'ties'"),
        ({"experts": ()}, "experts: none given"),
        ({"dtype": "bfloat"}, "did you mean 'bfloat16'"),
        ({"experts": EXPERTS[:1]}, "weight: 2 numbers for 1 experts"),
        ({"outer": ()}, "outer: the last rule must match all"),
        ({"outer": (Rule(("mlp",), HALF),)}, "outer: the last rule must match all"),
        ({"outer": (Rule(("*",), HALF), Rule((), HALF))}, r"'\*' is in no tensor's name"),
        ({"layers": (LayerGroup(1, 2, (Rule((), HALF),)),)}, "should start at 0"),
        ({"layers": (LayerGroup(0, 0, (Rule((), HALF),)),)}, "should start at 0 and hold a layer"),
        (
            {"outer": (Rule((), replace(HALF, weight=(0.1, float("nan")))),)},
            "outer: weight: must be a finite number, .* found nan",
        ),
        (
            {"outer": (Rule((), replace(HALF, density=(-0.1, 1.0))),)},
            r"density: \[-0.1, 1.0\] leaves \[0, 1\]",
        ),
        ({"outer": (Rule((), replace(HALF, density=(0.5, 1.1))),)}, r"leaves \[0, 1\]"),
    ],
)
def test_what_means_no_merge_is_refused_in_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        recipe(**change)
    assert "\n" not in str(error.value)


def test_an_average_over_no_weight_is_refused() -> None:
    cancelling = Parameters((0.3, -0.3), (1.0, 1.0), normalize=True)
    with pytest.raises(RecipeError, match=r"layers 0-3: weight: \[0.3, -0.3\] sum to zero"):
        whole("linear", cancelling)
    whole("linear", replace(cancelling, normalize=False))
    whole("task_arithmetic", cancelling)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("base"), "r.yaml: field 'base' is missing"),
        (lambda d: d.update(sed=1), "unknown field 'sed'; did you mean 'seed'"),
        (lambda d: d.update(seed="one"), "r.yaml: seed: expected a whole number, found 'one'"),
        (lambda d: d.update(seed=True), "expected a whole number, found True"),
        (lambda d: d.update(layers={}), "layers: expected a list, found dict"),
        (lambda d: d["experts"].append("x"), r"experts\[2\]: expected fields, found str"),
        (
            lambda d: d["outer"][0].update(weight=["a", "b"]),
            r"outer\[0\]: weight: expected a number, found 'a'",
        ),
        (lambda d: d["outer"][0].update(weights=[]), "did you mean 'weight'"),
        (lambda d: d.update(crucible_recipe=2), "crucible_recipe is not 1"),
        (lambda d: d.update(dtype="int8"), "r.yaml: dtype: 'int8'"),
    ],
)
def test_a_mistake_in_a_recipe_file_is_named_with_its_place(edit: Any, message: str) -> None:
    data = recipe().to_dict()
    edit(data)
    with pytest.raises(RecipeError, match=message) as error:
        Recipe.from_dict(data, "r.yaml")
    assert "\n" not in str(error.value)


def test_broken_yaml_is_named_with_its_line() -> None:
    with pytest.raises(RecipeError, match=r"r\.yaml:4: not YAML"):
        load_recipe("a: 1\nb:\n  - [1\nc: }\n", "r.yaml")
    with pytest.raises(RecipeError, match=r"r\.yaml: expected a mapping with fields, found str"):
        load_recipe("hello", "r.yaml")
