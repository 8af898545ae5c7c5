"""What a search space may say beside methods and ranges, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from merging.methods.registry import METHODS
from search.errors import SpecError
from search.study_file.search_space import SearchSpaceSpec
from search.study_file.spec import load_study
from tests.search.conftest import TINY
from tests.search.study_file.test_spec import edited, refusal

GROUPS = "  layer_groups: 4            # or `each`\n"
PATHS = "methods: [passthrough]\n  layers: {budget: 8}"


def read(tmp_path: Path, text: str) -> SearchSpaceSpec:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return load_study(path).search_space


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "methods: [ties]",
            "methods: [ties]\n  gradient: 3",
            [":7: search_space.gradient: gives every layer"],
        ),
        (GROUPS, "  gradient: 1\n", ["search_space.gradient", "greater than or equal to 2", "found 1"]),
        (GROUPS, "  gradiant: 3\n", ["gradiant: unknown field; did you mean 'gradient'?"]),
        (
            "methods: [ties]",
            "methods: [ties]\n  layers: {budget: 8}",
            [
                ":7: search_space.layers: ties merges several models' layers into one",
                "methods: [passthrough]",
            ],
        ),
        ("methods: [ties]", "methods: [passthrough]", ["experts: passthrough takes 1 expert, found 3"]),
        (
            "methods: [ties]",
            "methods: [passthrough]\n  layers: {}",
            ["search_space.layers.budget: is missing"],
        ),
        (
            "methods: [ties]",
            "methods: [passthrough]\n  layers: {budget: 8, copys: 2}",
            ["search_space.layers.copys: unknown field; did you mean 'copies'?"],
        ),
        ("methods: [ties]", "methods: [passthrough]\n  layers: {budget: 0}", ["layers.budget", "found 0"]),
    ],
)
def test_each_mistake_is_named_with_its_field_and_remedy(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    message = refusal(tmp_path, edited(old, new))
    for part in said:
        assert part in message


def test_a_path_and_a_gradient_exclude_each_other(tmp_path: Path) -> None:
    text = edited("methods: [ties]", f"{PATHS}\n  gradient: 2").replace(GROUPS, "")
    assert "search_space.gradient: a layer path goes by layer groups" in refusal(tmp_path, text)


def test_an_engine_of_fixed_depth_is_refused_for_paths_that_change_it(tmp_path: Path) -> None:
    text = edited("methods: [ties]", PATHS).replace("name: transformers", "name: vllm")
    message = refusal(tmp_path, text)
    assert "engine: vllm keeps the number of layers that it starts with" in message
    kept = text.replace("{budget: 8}", "{budget: 4, copies: 1, skip: false}")
    assert read(tmp_path, kept).layers is not None


def test_layer_paths_take_any_number_of_experts(tmp_path: Path) -> None:
    layers = read(tmp_path, edited("methods: [ties]", PATHS)).layers
    assert layers is not None
    assert (layers.budget, layers.copies, layers.skip, layers.keeps_depth) == (8, 2, True, False)


def test_what_is_new_is_no_part_of_a_study_that_says_nothing_of_it(tmp_path: Path) -> None:
    silent = load_study(TINY / "study.yaml").identity()["search_space"]
    assert not {"gradient", "layers"} & set(silent)
    path = tmp_path / "study.yaml"
    path.write_text(edited(GROUPS, "  gradient: 3\n"))
    assert load_study(path).identity()["search_space"]["gradient"] == 3
    path.write_text(edited("methods: [ties]", PATHS))
    said = load_study(path).identity()["search_space"]["layers"]
    assert said == {"budget": 8, "copies": 2, "skip": True}


NEGATIVE = {name for name, each in METHODS.items() if "weight" in each.parameters} - {
    "linear",
    "nuslerp",
    "multislerp",
}


@pytest.mark.parametrize("method", sorted(NEGATIVE))
def test_weights_below_0_subtract_a_task_vector(method: str) -> None:
    SearchSpaceSpec(methods=(method,), weight=(-0.5, 1.0)).check_weights()


@pytest.mark.parametrize(
    ("method", "remedy"),
    [
        ("linear", "give weights from 0 on, or drop the method"),
        ("nuslerp", "give weights from 0 on, or drop the method"),
        ("multislerp", "write `normalize_weights: false`, or weights from 0 on"),
    ],
)
def test_weights_below_0_are_refused_where_their_sum_is_divided_by(method: str, remedy: str) -> None:
    """In a new study: one that began before goes on, so that reading its file is no error."""
    spec = SearchSpaceSpec(methods=("ties", method), weight=(-0.5, 1.0))
    with pytest.raises(SpecError, match=f"-0.5 is below 0, but {method} divides .* could cancel; {remedy}"):
        spec.check_weights()


def test_a_mean_on_a_sphere_that_is_not_normalized_may_have_weights_below_0() -> None:
    spec = SearchSpaceSpec(methods=("multislerp",), weight=(-0.5, 1.0), normalize_weights=False)
    spec.check_weights()
    assert spec.weight == (-0.5, 1.0)


def test_weights_below_0_are_refused_of_what_is_normalized() -> None:
    spec = SearchSpaceSpec(methods=("ties",), weight=(-0.5, 1.0), normalize=True)
    with pytest.raises(
        SpecError, match=r"-0.5 is below 0, but ties divides .* could cancel; leave normalize out"
    ):
        spec.check_weights()
