"""A model of a study has a name of its own, given or by its place; what cannot be one is refused."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.text import Text

from search.errors import SpecError
from search.study_file.models import ModelSpec
from search.study_file.spec import StudySpec, load_study
from tests.search.conftest import small_study

RUN1, RUN2 = "../run1/checkpoint-500", "../run2/checkpoint-500"
MATH = {"name": "math", "model": RUN2}


def load(tmp_path: Path, experts: object, **changes: object) -> StudySpec:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(small_study(**{"experts": experts, **changes}), sort_keys=False))  # type: ignore[arg-type]
    return load_study(path)


def refusal(tmp_path: Path, experts: object, **changes: object) -> str:
    with pytest.raises(SpecError) as caught:
        load(tmp_path, experts, **changes)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{tmp_path / 'study.yaml'}:")
    return message.partition("study.yaml:")[2]


def test_a_name_stands_beside_plain_references(tmp_path: Path) -> None:
    spec = load(tmp_path, [RUN1, MATH, "org/code@main", {"name": "chat", "model": "org/code@v2"}])
    assert spec.expert_names == ("checkpoint-500", "math", "code", "chat")
    assert [each.model for each in spec.experts] == [RUN1, RUN2, "org/code@main", "org/code@v2"]
    assert spec.base_name == "base"


def test_a_mapping_without_a_name_is_a_plain_reference(tmp_path: Path) -> None:
    spec = load(tmp_path, [{"model": RUN1}, MATH], base_model={"model": "./qwen"})
    assert (spec.base_name, spec.expert_names) == ("base", ("checkpoint-500", "math"))
    assert load(tmp_path, [RUN1, MATH], base_model="./qwen") == spec


def test_the_base_has_a_name_too(tmp_path: Path) -> None:
    spec = load(tmp_path, [RUN1, MATH], base_model={"name": "qwen", "model": "../base"})
    assert (spec.base_name, spec.base_model.model) == ("qwen", "../base")
    assert load(tmp_path, [MATH], base_model={"name": "base", "model": "../b"}).base_name == "base"


def test_two_experts_of_one_name_are_told_how_to_name_them(tmp_path: Path) -> None:
    message = refusal(tmp_path, [RUN1, RUN2])
    assert message == (
        "3: experts: 'checkpoint-500' is named twice ('../run1/checkpoint-500' and '../run2/checkpoint-500');"
        " give each a name of its own: {name: …, model: '../run2/checkpoint-500'}"
    )
    remedy = yaml.safe_load(message.partition("own: ")[2].replace("…", "math"))
    assert load(tmp_path, [RUN1, remedy]).expert_names == ("checkpoint-500", "math")


@pytest.mark.parametrize(
    ("experts", "base", "said"),
    [
        (["./math", MATH], "./base", "experts: 'math' is named twice ('./math' and"),
        ([{"name": "a", "model": "./x"}, {"name": "a", "model": "./y"}], "./base", "'a' is named twice"),
        (["./math", "./math"], "./base", "experts: './math' is given twice; leave one out"),
        ([{"name": "a", "model": "./x"}, {"name": "b", "model": "./x"}], "./base", "'./x' is given twice"),
        (["./uniform"], "./base", "cannot be called 'uniform'; give it a name of its own: {name: …"),
        (
            ["./base"],
            "./qwen",
            "cannot be called 'base'; give it a name of its own: {name: …, model: './base'",
        ),
        ([{"name": "base", "model": "./x"}], "./b", "experts: an expert cannot be called 'base'"),
        ([{"name": "base", "model": "./x"}], {"name": "b", "model": "./b"}, "cannot be called 'base'"),
        (["./math"], {"name": "math", "model": "./b"}, "experts: an expert cannot be called 'math'"),
        ([MATH], {"name": "math", "model": "./b"}, "experts: an expert cannot be called 'math'"),
        ([".."], "./base", "experts: an expert cannot be called '..'"),
        ([""], "./base", "experts.0: says no model; give a path or a hub id"),
        ([{"name": "a", "model": " "}], "./base", "experts.0: says no model; give a path or a hub id"),
        ([{"name": "math"}], "./base", "experts.0.model: is missing; add it"),
        (
            ["./a", {"nmae": "b", "model": "./b"}],
            "./base",
            "experts.1.nmae: unknown field; did you mean 'name'?",
        ),
        ([{"math": RUN1}], "./base", "experts.0.math: unknown field; known here: name, model"),
        ([3], "./base", "experts.0: must be a path, a hub id, or {name: …, model: …}; found 3"),
        ([["./a"]], "./base", "experts.0: must be a path, a hub id, or {name: …, model: …}; found ['./a']"),
        ([{"name": "a", "model": 3}], "./base", "experts.0.model: input should be a valid string; found 3"),
        ("./math", "./base", "experts: input should be a valid tuple; found './math'"),
        (["./a"], None, "base_model: must be a path, a hub id, or {name: …, model: …}; found None"),
        (["./a"], {"name": "b"}, "base_model.model: is missing; add it"),
        (["./a"], {"name": "b", "modle": "./b"}, "base_model.modle: unknown field; did you mean 'model'?"),
        (["./a"], {"name": "uniform", "model": "./b"}, "base_model.name: means something else in a study"),
    ],
)
def test_what_names_no_model_or_two_is_refused(
    tmp_path: Path, experts: object, base: object, said: str
) -> None:
    assert said in refusal(tmp_path, experts, base_model=base)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is empty; give a name such as math; found ''"),
        ("  ", "is empty"),
        (None, "must be text, in quotes where YAML reads something else; found None"),
        (500, "must be text, in quotes where YAML reads something else; found 500"),
        (False, "must be text, in quotes where YAML reads something else; found False"),
        (["a"], "must be text"),
        ("run2/math", "takes letters, digits, inner spaces and . _ + - after a first letter or digit"),
        ("..", "takes letters"),
        (".hidden", "takes letters"),
        ("-x", "takes letters"),
        (" math", "takes letters"),
        ("math ", "takes letters"),
        ("ma\nth", "takes letters"),
        ("ma\tth", "takes letters"),
        ("a\\b", "takes letters"),
        ("a:b", "takes letters"),
        ("[bold]a", "takes letters"),
        ("a,b", "takes letters"),
        ("a\0", "takes letters"),
        ("a\u2028b", "takes letters"),
        ("x" * 97, "has 97 characters; give at most 96"),
        ("7", "stands for a trial; give another; found '7'"),
        ("trial 7", "stands for a trial"),
        ("union", "means something else in a study; give another; found 'union'"),
        ("uniform", "means something else in a study"),
    ],
)
def test_what_is_no_name_is_refused_with_its_field(tmp_path: Path, name: object, said: str) -> None:
    assert (
        refusal(tmp_path, ["./a", {"name": name, "model": "./b"}])
        .partition(": ")[2]
        .startswith(f"experts.1.name: {said}")
    )
    base = {"name": name, "model": "./b"}
    assert f"base_model.name: {said}" in refusal(tmp_path, ["./a"], base_model=base)


@pytest.mark.parametrize(
    "name", ["math", "Qwen2.5-Math-7B", "My best model", "数学", "é", "x" * 96, "7b", "trial-7", "no", "a+b"]
)
def test_what_people_call_models_is_a_name(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, ["./a", {"name": name, "model": "./b"}]).expert_names == ("a", name)


@given(st.text(max_size=100) | st.text("aB7._+- /\\[]:\n", max_size=12))
@example("a b")
def test_whatever_is_a_name_can_stand_where_names_stand(name: str) -> None:
    try:
        model = ModelSpec.model_validate({"name": name, "model": "./x"})
    except ValidationError:
        return
    assert model.called == name
    for path in (PurePosixPath, PureWindowsPath):
        assert path("a", name, "b").parts == ("a", name, "b"), "one part of a path"
    assert yaml.safe_load(yaml.safe_dump({name: name})) == {name: name}
    assert name.isprintable()
    assert Text.from_markup(name).plain == name, "tables show it as it is"
    assert len(f"weight.layers100-200.self_attn.{name}") < 512, "Optuna's column"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("base", "base"),
        ("qwen", "base"),
        ("union", "union"),
        ("math", "math"),
        (RUN2, "math"),
        ("checkpoint-500", "checkpoint-500"),
        ("code", "code"),
    ],
)
def test_the_tokenizers_source_is_said_by_name_or_path(tmp_path: Path, source: str, found: str) -> None:
    experts = [RUN1, MATH, {"name": "code", "model": "math"}, {"name": "b", "model": "base"}]
    base = {"name": "qwen", "model": "./q"}
    assert load(tmp_path, experts, base_model=base, tokenizer_source=source).tokenizer_name == found


def test_another_tokenizers_source_is_refused_with_the_names(tmp_path: Path) -> None:
    base = {"name": "qwen", "model": "./q"}
    said = refusal(tmp_path, [RUN1, MATH], base_model=base, tokenizer_source="maths")
    assert "tokenizer_source: must be base, union, qwen, checkpoint-500 or math; found 'maths'" in said
    assert "did you mean 'math'?" in said


def test_names_and_modules_may_not_make_one_parameter_of_two(tmp_path: Path) -> None:
    space = {"methods": ["ties"], "modules": ["mlp", "mlp.up"]}
    experts = [{"name": "a", "model": "./a"}, {"name": "up.a", "model": "./b"}]
    said = refusal(tmp_path, experts, search_space=space)
    assert "experts: two parameters would be called 'mlp.up.a'; give names without a module's" in said
    assert load(tmp_path, experts, search_space={**space, "modules": ["mlp"]}).expert_names == ("a", "up.a")
