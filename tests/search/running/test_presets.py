"""Studies over real benchmarks' schemas: what a study file may say of a slice, and that such a study runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from search.running.workshop import open_workshop
from search.study_file.spec import load_study
from tests.evaluators.benchmarks import choice_docs
from tests.evaluators.benchmarks.test_graders import MBPP
from tests.search.conftest import TINY, Outcome, small_study, write_study


def write(path: Path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a study of two trials over the given slices, each of 3 search and 4 holdout items."""

    def build(*slices: dict, **changes: object) -> Path:
        monkeypatch.chdir(tmp_path)
        counts = {"search": 3, "holdout": 4}
        full = [{"name": slice_["task"], **counts, **slice_} for slice_ in slices]
        return write_study(tmp_path, small_study(trials=2, slices=full, **changes))

    return build


def test_a_study_over_choices_and_programs_runs_to_its_verdict(
    study: Callable[..., Path], tmp_path: Path, crucible: Callable[..., Outcome]
) -> None:
    programs = [{**MBPP, "text": f"Double, {n}."} for n in range(8)]
    file = study(
        {"task": "arc_challenge", "data": write(tmp_path / "arc.jsonl", choice_docs.arc())},
        {"task": "mmlu", "data": write(tmp_path / "mmlu.jsonl", choice_docs.mmlu("anatomy", "virology"))},
        {"task": "mbpp", "num_fewshot": 0, "data": write(tmp_path / "mbpp.jsonl", programs)},
    )
    done = crucible("run", file, "--json")
    assert done.code == 0, done.err
    for row in json.loads(done.out):
        assert {name: score["n"] for name, score in row["search"].items()} == {
            "arc_challenge": 3,
            "mmlu": 3,
            "mbpp": 3,
        }


def test_one_file_steers_and_another_judges(study: Callable[..., Path], tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (TINY / "gsm8k.jsonl").read_text().splitlines()]
    files = {
        "train": write(tmp_path / "train.jsonl", rows[:20]),
        "test": write(tmp_path / "test.jsonl", rows[20:40]),
    }
    workshop = open_workshop(load_study(study({"task": "gsm8k", "num_fewshot": 0, "data": files})))
    (search,), (holdout,) = workshop.search_slices, workshop.holdout_slices
    assert all(item.doc["question"] in {row["question"] for row in rows[:20]} for item in search.items)
    assert all(item.doc["question"] in {row["question"] for row in rows[20:40]} for item in holdout.items)


@pytest.mark.parametrize(
    ("slice_", "reason"),
    [
        ({"data": {"train": "a.jsonl"}}, "slices.0.data.test: is missing; add it"),
        ({"data": {"train": "a", "test": "b", "dev": "c"}}, "slices.0.data.dev: unknown field"),
        ({"data": 7}, "slices.0.data: input should be a valid string; found 7"),
        ({"data": "a.jsonl", "chat_template": "yes"}, "chat_template: input should be a valid boolean"),
        (
            {"data": "a.jsonl", "long_prompts": "cut"},
            "long_prompts: must be 'truncate' or 'drop'; found 'cut'",
        ),
        ({"data": "a.jsonl", "verdict": 7}, "slices.0.verdict: input should be a valid string; found 7"),
    ],
)
def test_what_a_slice_may_not_say_is_named(
    study: Callable[..., Path], crucible: Callable[..., Outcome], slice_: dict, reason: str
) -> None:
    done = crucible("check", study({"task": "gsm8k", **slice_}))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert reason in done.err


@pytest.mark.parametrize(
    ("slice_", "reason"),
    [
        (
            {"task": "arc_chalenge"},
            "slice 'arc_chalenge': lm-eval knows no task 'arc_chalenge'; did you mean",
        ),
        ({"task": "arc_challenge"}, "gsm8k.jsonl line 1: field 'choices' is missing; found answer, question"),
        (
            {"task": "gsm8k", "verdict": "flexible"},
            "slice 'gsm8k': verdict: task 'gsm8k' has strict-match and flexible-extract; found 'flexible'",
        ),
        ({"task": "gsm8k", "chat_template": True}, "slice 'gsm8k': chat_template: the tokenizer in"),
    ],
)
def test_what_a_slice_cannot_be_made_of_is_one_line_before_any_engine(
    study: Callable[..., Path], crucible: Callable[..., Outcome], slice_: dict, reason: str
) -> None:
    done = crucible("check", study({"data": "gsm8k.jsonl", "num_fewshot": 0, **slice_}))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert reason in done.err


def test_long_prompts_are_counted_by_check_and_dropped_where_the_study_says(
    study: Callable[..., Path], tmp_path: Path, crucible: Callable[..., Outcome]
) -> None:
    rows = [{"question": "why? " * (100 if n % 2 else 1) + str(n), "answer": f"#### {n}"} for n in range(7)]
    slice_ = {"task": "gsm8k", "num_fewshot": 0, "data": write(tmp_path / "rows.jsonl", rows)}
    for rule, asked in (("truncate", 7), ("drop", 4)):
        file = study({**slice_, "long_prompts": rule})
        report = json.loads(crucible("check", file, "--json").out)
        assert report["search_items"] + report["holdout_items"] == asked
        assert sum(long["prompts"] for long in report["long_prompts"]) == 3
        assert f"(long_prompts: {rule})" in crucible("check", file).out


def test_what_a_slice_does_not_say_leaves_a_study_what_it_was(study: Callable[..., Path]) -> None:
    plain = {"task": "gsm8k", "num_fewshot": 0, "data": "gsm8k.jsonl"}
    (said,) = open_workshop(load_study(study(plain))).identity()["study"]["slices"]
    assert set(said) == {"name", "task", "data", "num_fewshot", "search", "holdout", "seed"}
    later = {"long_prompts": "drop", "verdict": "flexible-extract"}
    (said,) = open_workshop(load_study(study({**plain, **later}))).identity()["study"]["slices"]
    assert said.items() > later.items()


def test_a_slice_is_judged_by_the_filter_that_it_names(study: Callable[..., Path]) -> None:
    plain = {"task": "gsm8k", "num_fewshot": 0, "data": "gsm8k.jsonl"}
    workshop = open_workshop(load_study(study({**plain, "verdict": "flexible-extract"})))
    assert [part.grader for part in workshop.slices] == ["gsm8k:flexible-extract"] * 2
