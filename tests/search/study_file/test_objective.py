"""The objective of a study file: what may be wanted, and one line for what may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from search.errors import SpecError
from search.study_file.spec import StudySpec, load_study
from tests.search.conftest import TINY


def load(tmp_path: Path, objective: str, *names: str) -> StudySpec:
    """The tiny study with this objective, as YAML; its slices renamed if names are given."""
    study = yaml.safe_load((TINY / "study.yaml").read_text())
    for part, name in zip(study["slices"], names, strict=False):
        part["name"] = name
    path = tmp_path / "study.yaml"
    path.write_text(f"objective: {objective}\n" + yaml.safe_dump(study, sort_keys=False))
    return load_study(path)


@pytest.mark.parametrize(
    ("said", "names", "directions"),
    [
        ("worst_slice", ["worst_slice"], ["maximize"]),
        ("{mean: {gsm8k: 2, math: 1, code: 0.5}}", ["mean(gsm8k 2, math 1, code 0.5)"], ["maximize"]),
        (
            "{gold_logprob: {gsm8k: 2, math: 1, code: 1}}",
            ["gold_logprob(gsm8k 2, math 1, code 1)"],
            ["maximize"],
        ),
        ("[gsm8k, math, code, tokens]", ["gsm8k", "math", "code", "tokens"], [*["maximize"] * 3, "minimize"]),
        ("[accuracy, worst_slice]", ["accuracy", "worst_slice"], ["maximize"] * 2),
        (
            "[code, {mean: {gsm8k: 1, math: 3}}, tokens]",
            ["code", "mean(gsm8k 1, math 3)", "tokens"],
            ["maximize", "maximize", "minimize"],
        ),
        (
            "[{mean: {gsm8k: 1, code: 1}}, {gold_logprob: {math: 1}}]",
            ["mean(gsm8k 1, code 1)", "gold_logprob(math 1)"],
            ["maximize"] * 2,
        ),
    ],
)
def test_what_may_be_wanted(tmp_path: Path, said: str, names: list[str], directions: list[str]) -> None:
    spec = load(tmp_path, said)
    assert [goal.name for goal in spec.goals] == names
    assert list(spec.directions) == directions


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (
            "best",
            "must be accuracy, gold_logprob, worst_slice, gsm8k, math, code, {mean: {SLICE: weight}}",
        ),
        ("worst_slices", "found 'worst_slices'; did you mean 'worst_slice'?"),
        ("[gsm8k, maths, code]", "found 'maths'; did you mean 'math'?"),
        ("[accuracy, -tokens]", "found '-tokens'; did you mean 'tokens'?"),
        ("3", "found 3"),
        ("[accuracy, [math]]", "found ['math']"),
        ("[]", "a list of objectives is empty; write `accuracy`, or leave it out"),
        (
            "tokens",
            "tokens alone are fewest where nothing is said; write what they are for, too: [accuracy, tokens]",
        ),
        ("[tokens]", "tokens alone are fewest where nothing is said"),
        ("[math, tokens, math]", "'math' is there twice; leave one out"),
        ("{means: {gsm8k: 1}}", "found {'means': {'gsm8k': 1}}; did you mean 'mean'?"),
        ("{mean: 2}", "mean takes a weight for each slice, as in {mean: {gsm8k: 2}}; found 2"),
        ("{mean: {}}", "mean takes a weight for each slice"),
        (
            "{mean: {gsm8k: 0, math: 1, code: 1}}",
            "mean: the weight of 'gsm8k' must be a number above 0; found 0",
        ),
        ("{mean: {gsm8k: -1}}", "must be a number above 0; found -1"),
        ("{mean: {gsm8k: yes}}", "must be a number above 0; found True"),
        ("{mean: {gsm8k: .nan}}", "must be a number above 0; found nan"),
        ("{mean: {gsm8k: .inf}}", "must be a number above 0; found inf"),
        (
            "{mean: {gsm8k: 1, maths: 1, code: 1}}",
            "no slice is called 'maths'; did you mean 'math'?; there are gsm8k",
        ),
        (
            "{mean: {gsm8k: 1, math: 1}}",
            "slice 'code' is in none of it, and its search items would be asked in vain",
        ),
        ("gsm8k", "slice 'math' is in none of it"),
        ("[gsm8k, math, tokens]", "slice 'code' is in none of it"),
        (
            "[gsm8k, math, code, gold_logprob]",
            "slice 'gsm8k' cannot be scored by gsm8k and by gold_logprob at once",
        ),
        (
            "[worst_slice, {gold_logprob: {math: 1}}]",
            "slice 'math' cannot be scored by worst_slice and by gold",
        ),
        ("[gold_logprob, tokens]", "tokens are those of answers, and under gold_logprob none are given"),
    ],
)
def test_what_may_not_is_told_in_one_line(tmp_path: Path, said: str, wrong: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(tmp_path, said)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{tmp_path / 'study.yaml'}:1: objective: ")
    assert wrong in message


def test_a_slice_called_like_an_objective_is_never_taken_for_one(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"'tokens' is a slice here, too; write {mean: {tokens: 1}} for the slice"
    ):
        load(tmp_path, "[tokens, math, code]", "tokens")
    spec = load(tmp_path, "[{mean: {tokens: 1}}, math, code]", "tokens")
    assert spec.goals[0].weights == (("tokens", 1.0),)
    assert load(tmp_path, "accuracy", "accuracy").goals[0].weights == (), (
        "as ever where there is one objective"
    )


def test_the_identity_of_a_study_that_wants_accuracy_is_what_it_was(tmp_path: Path) -> None:
    for said in ("accuracy", "[accuracy]"):
        spec = load(tmp_path, said)
        assert spec.objective == "accuracy"
        assert "objective" not in spec.identity()
    assert load(tmp_path, "gold_logprob").identity()["objective"] == "gold_logprob"


def test_another_objective_is_part_of_what_a_study_is(tmp_path: Path) -> None:
    assert load(tmp_path, "[accuracy, tokens]").identity()["objective"] == ["accuracy", "tokens"]
    weighed = load(tmp_path, "{mean: {gsm8k: 2, math: 1, code: 1}}")
    assert weighed.identity()["objective"] == {"mean": {"gsm8k": 2.0, "math": 1.0, "code": 1.0}}
