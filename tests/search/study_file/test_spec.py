"""A study file says what it must, or one line says what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.errors import SpecError
from search.study_file.spec import StudySpec, load_study
from tests.search.conftest import TINY


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_study(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}")
    return message.removeprefix(str(path))


def edited(old: str, new: str) -> str:
    text = (TINY / "study.yaml").read_text()
    assert old in text
    return text.replace(old, new)


def test_the_shipped_study_is_read_as_written() -> None:
    spec = load_study(TINY / "study.yaml")
    assert (spec.name, spec.dtype, spec.expert_names) == ("tiny", "bfloat16", ("gsm8k", "math", "code"))
    assert spec.search_space.density == (0.1, 1.0)
    first = spec.slices[0]
    assert (first.name, first.search, first.holdout) == ("gsm8k", 64, 300)
    assert spec.folder == TINY
    assert (spec.sampler.name, spec.racing) == ("auto", None), "raced as all new studies are"


def test_a_single_number_is_a_range_of_one(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(edited("density: [0.1, 1.0]", "density: 0.5"))
    assert load_study(path).search_space.density == (0.5, 0.5)


def test_lambda_is_spelled_as_in_mergekit(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(edited("density: [0.1, 1.0]", "lambda: [0.5, 1.5]"))
    assert load_study(path).search_space.lambda_ == (0.5, 1.5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("layer_groups: 4", "layer_group: 4", ["search_space.layer_group: unknown field", "'layer_groups'?"]),
        (
            "name: tiny",
            "name: tiny\ntrails: 3",
            [":2: trails: unknown field", "known here: name, base_model"],
        ),
        ("methods: [ties]", "methods: [tie]", ["unknown method 'tie'", "did you mean 'ties'?"]),
        (
            "{seed: 0}",
            "{name: tpe2, seed: 0}",
            ["sampler.name: must be 'auto', 'tpe'", "did you mean 'tpe'?"],
        ),
        ("base_model: ./base", "", ["base_model: is missing; add it"]),
        ("weight: [0.0, 1.0]", "weight: [1.0, 0.0]", ["search_space.weight", "wrong way round"]),
        ("weight: [0.0, 1.0]", "weight: [0.0, .inf]", ["search_space.weight", "finite"]),
        ("density: [0.1, 1.0]", "density: [0.0, 1.0]", ["search_space.density", "between 0.0001 and 1"]),
        ("layer_groups: 4", "layer_groups: all", ["search_space.layer_groups", "'all'"]),
        ("layer_groups: 4", "layer_groups: 0", ["search_space.layer_groups"]),
        ("experts: [./gsm8k, ./math, ./code]", "experts: []", ["experts", "at least 1"]),
        ("./math, ./code", "./math, ./other/math", ["experts: 'math' is named twice"]),
        ("budget: {trials: 60}", "budget: {trials: many}", ["budget.trials", "'many'"]),
        ("methods: [ties]", "methods: [ties, ties]", ["methods: 'ties' is named twice"]),
        ("modules: [self_attn, mlp]", "modules: ['']", ["search_space.modules", "is in all of them"]),
        ("experts: [./gsm8k, ./math", "experts: [./uniform, ./math", ["cannot be called 'uniform'"]),
        ("layer_groups: 4", "layer_groups: true", ["search_space.layer_groups", "True"]),
        ("weight: [0.0, 1.0]", "weight: true", ["search_space.weight", "a number, or [low, high]"]),
        ("name: tiny", "name: 2020-99-99", ["not a study: month must be in 1..12"]),
        ("sampler:", "racing: {eror: 0.1}\nsampler:", ["racing.eror: unknown field; did you mean 'error'?"]),
        ("sampler:", "racing: {error: 0.7}\nsampler:", ["racing.error: input should be less than", "0.7"]),
        ("sampler:", "racing: {blocks: 0}\nsampler:", ["racing.blocks: input should be greater than"]),
        ("sampler:", "racing: fast\nsampler:", ["racing: ", "found 'fast'"]),
        ("dtype: bfloat16", "dtype: bfloat61", ["dtype: must be", "did you mean 'bfloat16'?"]),
        (
            "methods: [ties]",
            "methods: [ties]\n  gamma: 0.1",
            [":7: search_space.gamma: no method of this study reads it, only breadcrumbs"],
        ),
        (
            "methods: [ties]",
            "methods: [breadcrumbs]\n  gama: 0.1",
            [":7: search_space.gama: unknown field; did you mean 'gamma'?"],
        ),
        (
            "methods: [ties]",
            "methods: [breadcrumbs]\n  gamma: [0.0, 1.5]",
            [":7: search_space.gamma: 1.5 is out of range; give numbers from 0 up to 1"],
        ),
        (
            "methods: [ties]",
            "methods: [sce]\n  select_topk: [1, 0.1]",
            ["select_topk: [low, high] is the wrong"],
        ),
        ("methods: [ties]", "methods: [sce]\n  variant: fuse", ["variant: must be 'mergekit' or 'fusechat'"]),
        ("methods: [ties]", "methods: [karcher]\n  max_iter: 0", ["search_space.max_iter", "found 0"]),
        (
            "methods: [ties]",
            "methods: [model_stock]\n  filter_wise: 1",
            ["search_space.filter_wise", "found 1"],
        ),
        ("methods: [ties]", "methods: [nearswap]", ["search_space.t: is missing; nearswap needs it"]),
        (
            "methods: [ties]",
            "methods: [nearswap]\n  t: 0.5",
            [":3: experts: nearswap takes 1 expert, found 3; name others, or drop the method"],
        ),
        ("methods: [ties]", "methods: [slerp]\n  t: [0, 2]", ["search_space.t: 2 is beyond the expert"]),
        (
            "name: tiny",
            "name: tiny\ntokenizer_source: maths",
            [":2: tokenizer_source: must be base, union, gsm8k, math or code; found 'maths'; did you mean"],
        ),
        ("name: tiny", "name: tiny\nallow_pickle: 1", ["allow_pickle: input should be a valid boolean"]),
    ],
)
def test_each_mistake_is_named_with_its_field_and_remedy(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    message = refusal(tmp_path, edited(old, new))
    for part in said:
        assert part in message


def test_the_line_of_a_mistake_is_the_one_in_the_file(tmp_path: Path) -> None:
    text = edited("modules: [self_attn, mlp]", "module: [self_attn, mlp]")
    line = next(i for i, each in enumerate(text.splitlines(), 1) if "module:" in each)
    assert refusal(tmp_path, text).startswith(f":{line}: search_space.module: unknown field")


def test_a_mistake_within_a_list_is_found_on_its_line(tmp_path: Path) -> None:
    text = edited("task: minerva_math", "tusk: minerva_math")
    line = next(i for i, each in enumerate(text.splitlines(), 1) if "tusk:" in each)
    assert refusal(tmp_path, text).startswith(f":{line}: slices.1.tusk: unknown field; did you mean 'task'?")


def test_a_key_said_twice_is_refused(tmp_path: Path) -> None:
    assert "name: said twice (first on line 1)" in refusal(tmp_path, "name: a\nname: b\n")


@pytest.mark.parametrize("text", ["", "- 1\n", "tiny"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "a study file is a mapping" in refusal(tmp_path, text)


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "name: tiny\nexperts: [a\n").startswith(":3: not valid YAML")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"absent\.yaml: cannot be read: No such file"):
        load_study(tmp_path / "absent.yaml")


def test_what_a_study_leaves_out_is_no_part_of_its_identity(tmp_path: Path) -> None:
    said = load_study(TINY / "study.yaml").model_dump(mode="json", by_alias=True)["search_space"]
    known = ["methods", "layer_groups", "modules", "weight", "density", "lambda", "normalize"]
    assert list(said) == known
    path = tmp_path / "study.yaml"
    path.write_text(edited("methods: [ties]", "methods: [sce]\n  select_topk: 0.5"))
    again = load_study(path).model_dump(mode="json", by_alias=True)["search_space"]
    assert again["select_topk"] == [0.5, 0.5]


def loaded(folder: Path, more: str) -> StudySpec:
    """The shipped study with more in its file."""
    path = folder / "study.yaml"
    path.write_text((TINY / "study.yaml").read_text() + more)
    return load_study(path)


@pytest.mark.parametrize(
    ("said", "error", "blocks"),
    [("off", 0.05, 1), ("on", 0.05, 8), ("{error: 0.1}", 0.1, 8), ("{error: 0.01, blocks: 4}", 0.01, 4)],
)
def test_racing_is_a_section_or_a_switch(tmp_path: Path, said: str, error: float, blocks: int) -> None:
    racing = loaded(tmp_path, f"racing: {said}\n").racing
    assert racing is not None
    assert (racing.error, racing.blocks) == (error, blocks)


def test_a_study_that_is_not_raced_is_what_it_was_before_there_were_races(tmp_path: Path) -> None:
    silent = loaded(tmp_path, "").identity()
    assert loaded(tmp_path, "racing: off\n").identity() == silent
    assert "racing" not in silent
