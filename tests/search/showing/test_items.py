"""`crucible items` shows what was answered, item by item, and where two candidates differ."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators.score import ItemResult
from search.showing.items import Answers, Asked, find_items
from studies.store import StudyStore
from studies.store.rows import StudySlice
from studies.verdicts.leaderboard import build_leaderboard
from tests.search.conftest import Finished, Outcome
from tests.studies.builders import make_recipe, make_slice

Crucible = Callable[..., Outcome]
FIELDS = [
    "slice",
    "split",
    "candidate",
    "item",
    "correct",
    "extracted",
    "text",
    "tokens",
    "seconds",
    "logprob",
]


@pytest.fixture
def items(finished: Finished, crucible: Crucible) -> Callable[..., Any]:
    """`crucible items tiny --json` with more options; its answer, or what it complains of."""

    def ask(*options: object) -> Any:
        done = crucible("items", "tiny", *options, "--storage", finished.storage, "--json")
        assert done.code in (0, 2)
        assert done.err.count("\n") == (1 if done.code else 0)
        return json.loads(done.out) if done.code == 0 else done.err

    return ask


def recorded(finished: Finished, name: str, slice_: str, split: str) -> list[ItemResult]:
    with StudyStore(finished.storage) as store:
        study = store.study("tiny")
        (digest,) = {each.digest for each in store.candidates(study) if each.name == name}
        (part,) = (each for each in store.slices(study) if (each.name, each.split) == (slice_, split))
        return store.results(digest, part.digest)


def test_every_item_comes_with_its_evidence(finished: Finished, items: Callable[..., Any]) -> None:
    rows = items("--trial", 1, "--slice", "math", "--split", "search")
    assert [list(row) for row in rows] == [[*FIELDS, "prompt_hash"]] * 6
    expected = recorded(finished, "trial 1", "math", "search")
    shown = [{key: row[key] for key in vars(expected[0])} for row in rows]
    assert shown == [vars(result) for result in expected]
    assert {(row["slice"], row["split"], row["candidate"]) for row in rows} == {("math", "search", "trial 1")}


def test_without_a_name_the_best_candidate_is_shown_on_what_judged_it(
    finished: Finished, items: Callable[..., Any]
) -> None:
    with StudyStore(finished.storage) as store:
        best = build_leaderboard(store, "tiny")[0]
    rows = items("--slice", "code")
    assert {(row["candidate"], row["split"]) for row in rows} == {(best.name, "holdout")}
    assert len(rows) == 12


def test_a_candidate_that_was_never_judged_is_shown_on_search_items(
    finished: Finished, items: Callable[..., Any]
) -> None:
    with StudyStore(finished.storage) as store:
        unjudged = [row for row in build_leaderboard(store, "tiny") if row.holdout_mean is None]
    rows = items("--trial", unjudged[0].trial, "--slice", "gsm8k")
    assert {row["split"] for row in rows} == {"search"}
    assert "answered no holdout items of slice 'gsm8k'" in items(
        "--trial", unjudged[0].trial, "--slice", "gsm8k", "--split", "holdout"
    )


def test_wrong_answers_alone_and_only_so_many(items: Callable[..., Any]) -> None:
    whole = items("--candidate", "uniform", "--slice", "gsm8k", "--split", "holdout")
    wrong = [row for row in whole if not row["correct"]]
    assert 1 < len(wrong) < len(whole)
    assert items("--candidate", "uniform", "--slice", "gsm8k", "--split", "holdout", "--wrong") == wrong
    assert items("--candidate", "uniform", "--slice", "gsm8k", "--wrong", "--limit", 1) == wrong[:1]


def test_two_candidates_are_compared_on_what_they_answered_differently(
    finished: Finished, items: Callable[..., Any], crucible: Crucible
) -> None:
    options = ("--candidate", "gsm8k", "--versus", "base", "--slice", "gsm8k")
    rows = items(*options)
    ours, base = (recorded(finished, name, "gsm8k", "holdout") for name in ("gsm8k", "base"))
    outcomes = {(True, True): "both_right", (True, False): "only_first", (False, True): "only_second"}
    differing = [
        (a.item, outcomes.get((a.correct, b.correct), "both_wrong"))
        for a, b in zip(ours, base, strict=True)
        if (a.correct, a.extracted or a.text) != (b.correct, b.extracted or b.text)
    ]
    assert [(row["item"], row["outcome"]) for row in rows] == differing
    assert list(rows[0]) == ["slice", "split", "item", "prompt_hash", "outcome", "first", "second"]
    by_item = {result.item: result for result in base}
    assert all(row["second"]["text"] == by_item[row["item"]].text for row in rows)
    assert {row["first"]["candidate"] for row in rows} == {"gsm8k"}
    tally = Counter(outcomes.get((a.correct, b.correct)) for a, b in zip(ours, base, strict=True))
    said = crucible("items", "tiny", *options, "--storage", finished.storage).out
    assert f"{tally['both_right']} both right, {tally['only_first']} only gsm8k" in said
    assert f"{tally['only_second']} only base, {tally[None]} both wrong" in said


def test_a_trial_is_compared_by_its_number_and_with_itself_it_never_differs(
    items: Callable[..., Any],
) -> None:
    assert items("--trial", 1, "--versus", 1, "--slice", "math") == []
    assert items("--candidate", "trial 1", "--versus", "trial 1", "--slice", "math") == []


def test_the_text_has_every_line_of_an_answer(finished: Finished, crucible: Crucible) -> None:
    done = crucible("items", "tiny", "--candidate", "math", "--slice", "math", "--storage", finished.storage)
    lines = done.out.splitlines()
    results = recorded(finished, "math", "math", "holdout")
    assert lines[0] == f"math (holdout): math, {sum(each.correct for each in results)} of 12 right"
    for result in results:
        assert any(line.startswith(f"item {result.item}  ") and result.prompt_hash in line for line in lines)
        assert all(f"  | {line}" in lines for line in result.text.split("\n"))


def test_what_could_drive_a_terminal_is_spelled_out() -> None:
    result = ItemResult(3, False, "a\x1b[2Jb\nc", 4, 0.1, "abc", None, -2.5)
    shown = list(Answers(StudySlice("s", "t", "search", "d", 1), "base", 0, 1, (result,)).to_text())
    assert shown[1:] == [
        "\nitem 3  wrong  gold logprob -2.500  4 tokens  0.100 s  prompt abc",
        "  | a\\x1b[2Jb",
        "  | c",
    ]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--trial", 9, "--slice", "math"), "study 'tiny' has no trial 9; it has trials 0 to 3"),
        (("--candidate", "mat", "--slice", "math"), "no candidate 'mat'; it has base, gsm8k, math"),
        (("--versus", "unifrom", "--slice", "math"), "uniform and trials; did you mean 'uniform'?"),
        (("--slice", "maths"), "has no slice 'maths'; it has gsm8k, math, code; did you mean 'math'?"),
        ((), "study 'tiny' has several slices; give --slice gsm8k or math or code"),
        (("--slice", "math", "--split", "test"), "--split 'test' is none of holdout, search"),
        (("--slice", "math", "--trial", 1, "--candidate", "base"), "--trial and --candidate both name"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named_with_the_nearest(
    options: tuple[object, ...], complaint: str, items: Callable[..., Any]
) -> None:
    assert complaint in items(*options)


def test_a_trial_that_failed_is_named_with_its_reason(tmp_path: Path, crucible: Crucible) -> None:
    url = f"sqlite:///{tmp_path / 'crucible.db'}"
    with StudyStore(url) as store:
        study = store.begin("tiny", {})
        store.add_slices(study, [make_slice()])
        store.register_candidate(study, "trial", "trial 0", 0, store.add_recipe(make_recipe(0.5)))
        store.finish_candidate(study, "trial", "trial 0", "model.norm.weight: 3 numbers are NaN or Inf")
    done = crucible("items", "tiny", "--trial", 0, "--storage", url)
    assert (done.code, done.out) == (2, "")
    assert "trial 0 answered no search items of slice 'gsm8k' (model.norm.weight: 3 numbers" in done.err
    assert "has no candidate measured yet" in crucible("items", "tiny", "--storage", url).err


def test_an_unknown_study_is_named(finished: Finished, crucible: Crucible) -> None:
    done = crucible("items", "tinny", "--storage", finished.storage)
    assert (done.code, done.out) == (2, "")
    assert "no study 'tinny': did you mean tiny" in done.err


WORK = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "lm_eval", "optuna", "safetensors"):
            raise AssertionError(f"crucible items imports {name}")

sys.meta_path.insert(0, Refuse())
sys.argv = ["crucible", "items", "tiny", "--slice", "math", "--storage", sys.argv[1]]
from search.cli import main
main()
"""


def test_looking_needs_no_torch(finished: Finished) -> None:
    command = [sys.executable, "-c", WORK, finished.storage]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("math (holdout): ")


def test_a_store_is_asked_from_python_as_well(finished: Finished) -> None:
    found = find_items(finished.storage, Asked("tiny", candidate="base", slice="gsm8k"), limit=2)
    assert isinstance(found, Answers)
    assert list(found.results) == recorded(finished, "base", "gsm8k", "holdout")[:2]
