from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from merging.errors import RecipeError
from merging.mergekit.read import Config, from_mergekit, load_config, to_mergekit
from merging.models.checkpoint import TensorInfo
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule, dump_recipe, whole_model
from merging.recipe.rules import place_of
from tests.merging.named_models import SOURCE, TENSORS, for_each_tensor, open_model, read

MODELS = {path: ModelRef(path, f"content of {path}") for path in ("/base", "/a", "/b")}


def parameters(weight: tuple[float, ...] = (0.5, 0.25), **changes: Any) -> Parameters:
    return replace(Parameters(weight, (1.0,) * len(weight), normalize=True), **changes)


def recipe_of(layers: tuple[LayerGroup, ...], outer: tuple[Rule, ...], method: str = "ties") -> Recipe:
    return Recipe(MODELS["/base"], (MODELS["/a"], MODELS["/b"]), method, layers, outer, "bfloat16")


RICH = recipe_of(
    (
        LayerGroup(
            0,
            1,
            (
                Rule(("self_attn",), parameters((0.1, 0.2), density=(0.3, 0.4))),
                Rule((), parameters(lambda_=0.7)),
            ),
        ),
        LayerGroup(
            1,
            3,
            (
                Rule(("mlp", "up"), parameters((0.9, -0.1), density=(0.5, 1.0))),
                Rule(("mlp",), parameters(rescale=True)),
                Rule((), parameters(normalize=False)),
            ),
        ),
        LayerGroup(3, 4, (Rule((), parameters((1e-05, 3.0))),)),
    ),
    (
        Rule(("lm_head",), parameters((0.8, 0.7))),
        Rule(("norm",), parameters((0.6, 0.5))),
        Rule((), parameters()),
    ),
)


def test_every_tensor_keeps_its_parameters_through_mergekits_yaml() -> None:
    assert for_each_tensor(read(to_mergekit(RICH, TENSORS))) == for_each_tensor(RICH)


def test_densities_of_single_tensors_come_before_the_rules() -> None:
    exact = {"model.layers.2.mlp.up_proj.weight": (0.123, 1.0), "lm_head.weight": (0.2, 0.3)}
    back = for_each_tensor(read(to_mergekit(RICH, TENSORS, exact)))
    for name, expected in for_each_tensor(RICH).items():
        assert back[name] == replace(expected, density=exact.get(name, expected.density))


def test_a_name_inside_another_name_is_not_mistaken_for_it() -> None:
    names = {"norm.weight": None, "model.layers.0.norm.weight": None, "model.layers.0.w": None}
    layers = (LayerGroup(0, 1, (Rule(("w",), parameters((0.1, 0.1))), Rule((), parameters()))),)
    made = recipe_of(layers, (Rule((), parameters((0.9, 0.9))),))
    tensors = {name: TensorInfo("bfloat16", (1,), Path("m")) for name in names}
    text = to_mergekit(made, names)
    back = from_mergekit(text, SOURCE, lambda name: (MODELS[name], tensors))
    assert back.parameters_for("norm.weight", None).weight == (0.9, 0.9)
    assert back.parameters_for("model.layers.0.norm.weight", 0).weight == (0.1, 0.1)


def test_a_plain_merge_reads_plainly() -> None:
    layers, outer = whole_model(parameters(), 4)
    config = yaml.safe_load(to_mergekit(recipe_of(layers, outer), TENSORS))
    assert config == {
        "merge_method": "ties",
        "base_model": "/base",
        "slices": [
            {
                "sources": [
                    {"model": "/base", "layer_range": [0, 4]},
                    {"model": "/a", "layer_range": [0, 4], "parameters": {"weight": 0.5, "density": 1.0}},
                    {"model": "/b", "layer_range": [0, 4], "parameters": {"weight": 0.25, "density": 1.0}},
                ],
                "parameters": {"lambda": 1.0, "normalize": True, "rescale": False},
            }
        ],
        "dtype": "float32",
        "out_dtype": "bfloat16",
    }


def test_the_header_says_what_mergekit_makes_of_it() -> None:
    layers, outer = whole_model(parameters(), 4)
    for method, promise in (
        ("ties", "makes the same checkpoint"),
        ("dare_ties", "draws random masks of its own"),
    ):
        made = recipe_of(layers, outer, method)
        header = to_mergekit(made, TENSORS).splitlines()[:2]
        assert made.digest in header[0]
        assert promise in header[1]


@pytest.mark.parametrize("path", ["/models/a+b", "/models/c@d"])
def test_folders_that_mergekit_would_misread_are_spelled_out(path: str) -> None:
    layers, outer = whole_model(parameters(), 4)
    made = replace(recipe_of(layers, outer), base=ModelRef(path, "f"))
    assert yaml.safe_load(to_mergekit(made, TENSORS))["base_model"]["model"]["path"] == path


def test_hub_models_keep_their_revision() -> None:
    layers, outer = whole_model(parameters(), 4)
    made = replace(recipe_of(layers, outer), base=ModelRef("org/base", "content of org/base", "v2"))
    assert "base_model: org/base@v2\n" in to_mergekit(made, TENSORS)
    assert read(to_mergekit(made, TENSORS)).base == made.base


@pytest.mark.parametrize(
    ("base", "lora", "written"),
    [
        (ModelRef("org/base", "content of org/base", "v2"), ModelRef("/lora", "f"), "org/base@v2+/lora"),
        (
            ModelRef("/base", "f"),
            ModelRef("/a+lora", "f"),
            {"model": {"path": "/base", "revision": None}, "lora": {"path": "/a+lora", "revision": None}},
        ),
    ],
)
def test_an_expert_that_is_an_adapter_stands_behind_its_base(
    base: ModelRef, lora: ModelRef, written: object
) -> None:
    layers, outer = whole_model(parameters(), 4)
    made = replace(recipe_of(layers, outer), base=base)
    made = replace(made, experts=(lora, *made.experts[1:]))
    text = to_mergekit(made, TENSORS, adapters=[0])
    assert yaml.safe_load(text)["slices"][0]["sources"][1]["model"] == written
    again = from_mergekit(text, SOURCE, lambda name: (ModelRef(name, name), TENSORS))
    assert [expert.path for expert in again.experts] == [f"{place_of(base)}+{lora.path}", "/b"]


@pytest.mark.parametrize(
    ("method", "source", "written"),
    [
        ("ties", "union", "union"),
        ("ties", "base", "base"),
        ("ties", "org/b@v2", "org/b@v2"),
        ("multislerp", "union", "union"),
        ("multislerp", "base", "/base"),  # no base_model is named there, so `base` would be any
    ],
)
def test_the_source_of_the_tokenizer_is_exported(method: str, source: str, written: str) -> None:
    layers, outer = whole_model(parameters(), 4)
    made = replace(recipe_of(layers, outer, method), tokenizer_source=source)
    made = replace(made, experts=(made.experts[0], ModelRef("org/b", "f", "v2")))
    config = yaml.safe_load(to_mergekit(made, TENSORS))
    assert config["tokenizer_source"] == written


MODELS_FORM = """
merge_method: ties
base_model: /base
models:
  - {model: /a, parameters: {weight: 0.5, density: 0.3}}
  - {model: /b, parameters: {weight: 0.2}}
  - {model: /base}
parameters: {normalize: false, int8_mask: true, density: 0.7, lambda: 1.5}
dtype: float32
"""


def test_models_stand_for_all_layers_and_take_what_levels_above_say() -> None:
    made = read(MODELS_FORM)
    expected = Parameters((0.5, 0.2), (0.3, 0.7), 1.5, normalize=False)
    assert made.base.path == "/base"
    assert [expert.path for expert in made.experts] == ["/a", "/b"]
    assert set(for_each_tensor(made).values()) == {expected}
    assert made.layers == (LayerGroup(0, 4, (Rule((), expected),)),)
    assert made.dtype == "float32"


def test_defaults_are_the_methods_own() -> None:
    one = "models: [{model: /a, parameters: {weight: 1}}]"
    made = read(f"{{merge_method: dare_ties, base_model: /base, dtype: float32, {one}}}")
    assert made.outer[0].parameters == Parameters((1.0,), (1.0,), 1.0, normalize=False, rescale=True)


def test_filters_are_substrings_and_fall_through_to_the_level_above() -> None:
    made = for_each_tensor(
        read("""
merge_method: task_arithmetic
base_model: /base
models:
  - model: /a
    parameters:
      weight:
        - {filter: mlp.up, value: 0.1}
        - {filter: self_attn, value: [0.0, 0.3]}
  - {model: /b, parameters: {weight: [{filter: mlp, value: 0.9}, {value: 0.8}]}}
parameters: {weight: 0.4}
dtype: float32
""")
    )
    assert made["model.layers.0.mlp.up_proj.weight"].weight == (0.1, 0.9)
    assert made["model.layers.0.mlp.down_proj.weight"].weight == (0.4, 0.9)
    assert made["model.layers.1.self_attn.q_proj.weight"].weight == (pytest.approx(0.1), 0.8)
    assert made["model.layers.3.self_attn.q_proj.weight"].weight == (0.3, 0.8)
    assert made["lm_head.weight"].weight == (0.4, 0.8)


def test_gradients_run_over_their_slice_and_outer_tensors_take_the_beginning() -> None:
    made = for_each_tensor(
        read("""
merge_method: linear
slices:
  - sources:
      - {model: /a, layer_range: [0, 3], parameters: {weight: [1, 0]}}
      - {model: /b, layer_range: [0, 3], parameters: {weight: 1}}
  - sources:
      - {model: /a, layer_range: [3, 4], parameters: {weight: [0.25, 0.75]}}
      - {model: /b, layer_range: [3, 4], parameters: {weight: 1}}
dtype: float32
out_dtype: bfloat16
""")
    )
    weights = [made[f"model.layers.{i}.mlp.up_proj.weight"].weight[0] for i in range(4)]
    assert weights == [1.0, 0.5, 0.0, 0.75]
    assert made["model.embed_tokens.weight"].weight[0] == 1.0
    assert made["model.norm.weight"].weight[0] == 0.25
    assert made["lm_head.weight"].weight[0] == 0.25


def test_a_linear_merge_takes_its_first_model_as_donor_and_a_listed_base_as_expert() -> None:
    entries = (
        "models: [{model: /a, parameters: {weight: 1}}, {model: /b, parameters: {weight: 1}}], dtype: float32"
    )
    assert read(f"{{merge_method: linear, {entries}}}").base.path == "/a"
    listed = read(f"{{merge_method: linear, base_model: /b, {entries}}}")
    assert (listed.base.path, [expert.path for expert in listed.experts]) == ("/b", ["/a", "/b"])


def test_the_written_dtype_is_out_dtype_then_dtype_then_the_stored_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = MODELS_FORM.replace("dtype: float32\n", "")
    assert read(text).dtype == "bfloat16"
    assert read(f"{text}dtype: float16").dtype == "float16"
    assert read(f"{text}dtype: float32\nout_dtype: float16").dtype == "float16"
    rounding = [record for record in caplog.records if "dtype" in record.message]
    assert [record.levelno for record in rounding] == [logging.WARNING] * 2
    assert "merging in float32, not in float16" in caplog.text


@pytest.mark.parametrize("others", ["float16", "float32"])
def test_where_stored_dtypes_differ_float32_is_written_and_that_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    """Whichever comes first: norms in float32 must not be rounded, nor bfloat16 squeezed into float16."""
    monkeypatch.setitem(TENSORS, next(reversed(TENSORS)), TensorInfo(others, (1,), Path("m")))
    text = MODELS_FORM.replace("dtype: float32\n", "")
    assert read(text).dtype == "float32"
    assert f"dtype: the models hold bfloat16 and {others}; writing float32" in caplog.text
    caplog.clear()
    assert read(f"{text}dtype: bfloat16").dtype == "bfloat16"
    assert "the models hold" not in caplog.text


def test_what_mergekit_leaves_unread_is_named_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    config = yaml.safe_load(MODELS_FORM)
    config["parameters"]["t"] = 0.5
    config["models"][0]["parameters"]["lambda"] = 2.0
    config["models"][2]["parameters"] = {"weight": 1.0}
    assert read(yaml.safe_dump(config)) == read(MODELS_FORM)
    assert caplog.messages[0] == "without effect on ties: int8_mask, t, lambda of /a, weight of /base"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda c: c.update(merge_method="dela"),
            "unknown method 'dela'; did you mean 'della'.*known: linear",
        ),
        (lambda c: c.update(basemodel="/x"), "'basemodel' is not known here; did you mean 'base_model'"),
        (lambda c: c.pop("base_model"), "base_model: missing; ties adds to a base"),
        (lambda c: c.pop("merge_method"), "merge_method: missing"),
        (lambda c: c.update(tokenizer_source="union"), "tokenizer_source.*no part of a recipe"),
        (lambda c: c.update(modules={}), "modules: models of several modules are not merged here"),
        (lambda c: c.update(name="first"), "name: one file holds one merge here"),
        (lambda c: c.update(seed="x"), "seed: expected a whole number, found 'x'"),
        (lambda c: c.update(compat="mergkit"), "compat: 'mergkit' is none of mergekit; did you mean"),
        (lambda c: c.update(parameters={"from_base": True}), "from_base: leave it out; with a base_model"),
        (lambda c: c.update(parameters={"normalize": 0.5}), "normalize: expected true or false, found 0.5"),
        (
            lambda c: c["models"][0].update(model={"model": "/a", "override_architecture": "X"}),
            r"models\[0\]: override_architecture: is not done here",
        ),
        (lambda c: c.update(slices=[]), "exactly one of 'models' and 'slices'"),
        (lambda c: c.update(models=[]), "models: expected a list of mappings"),
        (lambda c: c.update(models=[{"model": "/base"}]), "only the base is named"),
        (lambda c: c["models"][0].update(model={"model": "/a", "lora": 3}), "path or hub id, found 3"),
        (lambda c: c["models"][0].update(model="/b"), "model '/b' is listed twice"),
        (lambda c: c["models"][0].update(model=7), "expected a model's path or hub id, found 7"),
        (
            lambda c: c["models"][0].update(layer_range=[0, 4]),
            r"models\[0\]: 'layer_range' is not known here",
        ),
        (
            lambda c: c["models"][1].update(parameters={}),
            r"weight of /b: missing for model\.layers\.0\.",
        ),
        (
            lambda c: c["models"][1].update(parameters={"wieght": 1}),
            "'wieght' is not known here; did you mean 'weight'",
        ),
        (
            lambda c: c["models"][1].update(parameters={"weight": "x"}),
            "weight of /b: expected a number, found 'x'",
        ),
        (lambda c: c["models"][1].update(parameters={"weight": []}), "weight of /b: an empty list"),
        (
            lambda c: c["models"][1].update(parameters=3),
            r"models\[1\]\.parameters: expected a mapping, found 3",
        ),
        (lambda c: c.update(parameters={"density": -0.1}), r"density: \[0.3, -0.1\] leaves"),
        (lambda c: c.update(out_dtype="int8"), "dtype: 'int8' is none of"),
    ],
)
def test_what_mergekit_would_do_and_we_do_not_is_named(edit: Callable[[Any], object], message: str) -> None:
    config = yaml.safe_load(MODELS_FORM)
    edit(config)
    with pytest.raises(RecipeError, match=message) as error:
        read(yaml.safe_dump(config))
    assert str(error.value).startswith("merge.yaml: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([[[0, 5], [0, 5]]], r"slices\[0\]\.sources\[0\]\.layer_range: \[0, 5\] is no run .*which has 4"),
        ([[[2, 2], [2, 2]]], r"layer_range: \[2, 2\] is no run of layers of '/base'"),
        ([[[0, 4], [1, 4]]], r"slices\[0\]\.sources\[1\]\.layer_range: 3 layers, but sources\[0\] gives 4"),
        (
            [[[0, 4], "all"]],
            r"slices\[0\]\.sources\[1\]\.layer_range: expected two whole numbers, found 'all'",
        ),
    ],
)
def test_ranges_that_pair_no_layers_are_refused(ranges: Any, message: str) -> None:
    slices = [
        {"sources": [{"model": m, "layer_range": r} for m, r in zip(("/base", "/a"), pair, strict=True)]}
        for pair in ranges
    ]
    config = {"merge_method": "ties", "base_model": "/base", "slices": slices, "parameters": {"weight": 1}}
    with pytest.raises(RecipeError, match=message):
        read(yaml.safe_dump(config))


def test_both_dialects_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(dump_recipe(RICH))
    (tmp_path / "mergekit.yaml").write_text(to_mergekit(RICH, TENSORS))
    assert load_config(tmp_path / "recipe.yaml", open_model) == Config(RICH)
    read_back = load_config(tmp_path / "mergekit.yaml", open_model).recipe
    assert for_each_tensor(read_back) == for_each_tensor(RICH)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml", open_model)
