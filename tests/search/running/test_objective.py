"""A study may be steered by how likely its candidates find the gold answers; it is judged by accuracy."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from evaluators.benchmarks.slices import Item, Slice
from search.errors import SpecError
from search.running.workshop import open_workshop, steering
from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from tests.search.conftest import Finished, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
ITEMS = 4
KINDS = """
    select s.scoring, count(*), count(e.logprob), count(distinct e.output_hash) > 1
    from crucible_evidence e join crucible_slices s on s.digest = e.slice_digest group by 1 order by 1
"""
TOLD = "select number, value from trials join trial_values using (trial_id)"


@dataclass(frozen=True)
class Steered(Finished):
    """A finished study, what its display said, and its leaderboard."""

    said: str
    rows: Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory) -> Steered:
    """A study whose objective is the gold answers' log-probability, run once."""
    study = small_study(trials=3, items=ITEMS, objective="gold_logprob")
    file = write_study(tmp_path_factory.mktemp("steered"), study)
    storage, said = f"sqlite:///{file.parent / 'crucible.db'}", StringIO()
    spec = load_study(file)
    rows = run_study(spec, storage, Display(Console(file=said, width=120), spec.objective))
    return Steered(file, storage, said.getvalue(), [row.to_json() for row in rows])


def test_search_items_are_scored_by_gold_answers_and_holdout_items_by_accuracy(steered: Steered) -> None:
    for row in steered.rows:
        assert set(row["search"]) == {"gsm8k", "math", "code"}
        for score in row["search"].values():
            assert score["mean"] < 0
            assert (score["n"], score["of"]) == (ITEMS, "gold_logprob")
    judged = [row for row in steered.rows if row["holdout_mean"] is not None]
    assert len(judged) == 5 + 2
    for score in (score for row in judged for score in row["holdout"].values()):
        assert 0 <= score["low"] <= score["mean"] <= score["high"] <= 1


def test_the_sampler_is_told_the_mean_over_the_slices_and_the_best_are_judged(steered: Steered) -> None:
    trials = [row for row in steered.rows if row["kind"] == "trial"]
    means = {row["trial"]: sum(score["mean"] for score in row["search"].values()) / 3 for row in trials}
    with sqlite3.connect(steered.folder / "crucible.db") as database:
        assert dict(database.execute(TOLD)) == pytest.approx(means)
    judged = {row["trial"] for row in trials if row["holdout_mean"] is not None}
    assert judged == set(sorted(means, key=means.__getitem__)[1:])


def test_search_items_cost_no_generation_and_leave_no_text(steered: Steered) -> None:
    with sqlite3.connect(steered.folder / "crucible.db") as database:
        kinds = database.execute(KINDS).fetchall()
    candidates, judged = 5 + 3, 5 + 2
    searched = candidates * 3 * ITEMS
    assert kinds == [("generate", judged * 3 * 2 * ITEMS, 0, 1), ("gold", searched, searched, 0)]


def test_a_score_is_shown_as_what_it_is(steered: Steered, crucible: Crucible) -> None:
    shown = [
        (line.split()[0], float(line.split("best")[0].split()[-1])) for line in steered.said.splitlines()
    ]
    assert [phase for phase, _ in shown] == ["baselines"] * 5 + ["search"] * 3 + ["holdout"] * 7
    assert all(score < 0 for phase, score in shown if phase != "holdout")
    assert all(0 <= score <= 100 for phase, score in shown if phase == "holdout")
    table = crucible("leaderboard", "tiny", "--storage", steered.storage).out
    assert "search items only, never judged; log-probability of a gold token" in table
    unjudged = next(row for row in steered.rows if row["holdout_mean"] is None)
    assert f"({unjudged['search']['math']['mean']:.3f})" in table
    assert "to search by (the log-probability of their gold answers)" in crucible("check", steered.file).out


def test_a_finished_study_is_not_measured_again(steered: Steered, crucible: Crucible) -> None:
    again = crucible("run", steered.file, "--storage", steered.storage, "--json")
    assert json.loads(again.out) == steered.rows
    counted = [line for line in again.err.splitlines() if line.startswith("search")]
    assert (again.code, counted) == (0, [])


def test_the_objective_is_part_of_what_a_study_is(
    steered: Steered, finished: Finished, crucible: Crucible, tmp_path: Path
) -> None:
    assert open_workshop(load_study(steered.file)).identity()["study"]["objective"] == "gold_logprob"
    assert "objective" not in open_workshop(load_study(finished.file)).identity()["study"]
    changed = write_study(tmp_path, small_study(trials=3, items=ITEMS))
    done = crucible("run", changed, "--storage", steered.storage)
    assert done.code == 2
    assert 'study.objective was "gold_logprob", now absent' in done.err


def test_an_item_without_a_gold_answer_is_named_before_anything_runs() -> None:
    items = (Item(0, "a", {}, gold=" b"), Item(1, "c", {}))
    part = Slice("quiz", "gsm8k", "search", items, (), 8, "gsm8k")
    assert steering([part], "accuracy") == (part,)
    with pytest.raises(SpecError, match=r"but 1 of slice 'quiz' \(gsm8k\) have none; write accuracy"):
        steering([part], "gold_logprob")


def test_an_unknown_objective_is_named_with_the_nearest(tmp_path: Path) -> None:
    file = write_study(tmp_path, small_study(objective="gold_logprop"))
    with pytest.raises(
        SpecError,
        match=r"objective: must be accuracy, gold_logprob, .*; found 'gold_logprop'; did you mean 'gold_l",
    ):
        load_study(file)
