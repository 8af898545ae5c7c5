"""A study may be steered by how likely its candidates find the gold answers; it is judged by accuracy."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators import slices
from evaluators.slices import Item, Slice
from search import workshop
from search.errors import SpecError
from search.spec import load_study
from search.workshop import open_workshop, steering
from tests.search.conftest import Finished, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
GOLD = {"gsm8k": ("answer", " "), "minerva_math": ("solution", " "), "humaneval": ("canonical_solution", "")}


def with_gold(part: Slice) -> Slice:
    field, before = GOLD[part.task]
    items = tuple(replace(item, gold=before + item.doc[field]) for item in part.items)
    return replace(part, items=items)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)

    def build(requests):
        return tuple(tuple(map(with_gold, parts)) for parts in slices.build_slices(requests))

    monkeypatch.setattr(workshop, "build_slices", build)
    return write_study(tmp_path, small_study(trials=3, objective="gold_logprob"))


def test_a_study_is_searched_by_gold_answers_and_judged_by_accuracy(study: Path, crucible: Crucible) -> None:
    done = crucible("run", study, "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)
    for row in rows:
        assert set(row["search"]) == {"gsm8k", "math", "code"}
        assert all(score["mean"] < 0 for score in row["search"].values())
        assert all(score["n"] == 6 and score["of"] == "gold_logprob" for score in row["search"].values())
    judged = [row for row in rows if row["holdout_mean"] is not None]
    assert len(judged) == 5 + 2
    assert all(
        0 <= score["mean"] <= 1 and "low" in score for row in judged for score in row["holdout"].values()
    )
    trials = [row for row in rows if row["kind"] == "trial"]
    best = sorted(trials, key=lambda row: -sum(score["mean"] for score in row["search"].values()))
    assert {row["name"] for row in judged if row["kind"] == "trial"} == {row["name"] for row in best[:2]}
    with sqlite3.connect(study.parent / "crucible.db") as database:
        told = dict(
            database.execute("select t.number, v.value from trials t join trial_values v using (trial_id)")
        )
        kinds = database.execute(
            "select s.scoring, count(*), count(logprob), count(distinct output_hash) > 1"
            " from crucible_evidence e join crucible_slices s on s.digest = e.slice_digest group by 1 order by 1"
        ).fetchall()
    for row in trials:
        mean = sum(score["mean"] for score in row["search"].values()) / 3
        assert told[row["trial"]] == pytest.approx(mean)
    assert kinds == [("generate", 7 * 3 * 12, 0, 1), ("gold", 8 * 3 * 6, 8 * 3 * 6, 0)]


def test_the_log_of_the_search_and_the_leaderboard_say_what_a_score_is(
    study: Path, crucible: Crucible
) -> None:
    done = crucible("run", study, "--trials", "3")
    lines = done.out.splitlines()
    searched = [line for line in lines if line.startswith(("baselines", "search"))]
    assert len(searched) == 8
    assert all(float(line.split("best")[0].split()[-1]) < 0 for line in searched)
    assert all(
        0 <= float(line.split("best")[0].split()[-1]) <= 100 for line in lines if line.startswith("holdout")
    )
    assert "search items only, never judged; log-probability of a gold token" in done.out
    assert "log-probability of their gold answers" in crucible("check", study).out
    again = crucible("run", study, "--trials", "3")
    assert again.code == 0
    assert again.out.splitlines()[-4:] == lines[-4:]


def test_the_objective_is_part_of_what_a_study_is(
    study: Path, crucible: Crucible, finished: Finished
) -> None:
    assert open_workshop(load_study(study)).identity()["study"]["objective"] == "gold_logprob"
    assert "objective" not in open_workshop(load_study(finished.file)).identity()["study"]
    assert crucible("run", study).code == 0
    write_study(study.parent, small_study(trials=3))
    changed = crucible("run", study)
    assert changed.code == 2
    assert 'study.objective was "gold_logprob", now absent' in changed.err


def test_an_item_without_a_gold_answer_is_named_before_anything_runs() -> None:
    items = (Item(0, "a", {}, gold=" b"), Item(1, "c", {}))
    part = Slice("quiz", "gsm8k", "search", items, (), 8, "gsm8k")
    assert steering([part], "accuracy") == (part,)
    with pytest.raises(SpecError, match=r"but 1 of slice 'quiz' \(gsm8k\) have none; write accuracy"):
        steering([part], "gold_logprob")


def test_an_unknown_objective_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"objective: must be 'accuracy' or 'gold_logprob'; found 'gold_logprop'; did"
    ):
        load_study(write_study(tmp_path, small_study(objective="gold_logprop")))
