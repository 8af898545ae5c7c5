"""A slice that nobody or everybody answers is said to steer nothing; where all are so, `run` asks first."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators.score import MeanLogprob, wilson
from search.errors import NothingSteers
from search.running.outlook import check_steered, idle_slices
from search.running.workshop import Workshop, open_workshop
from search.study_file.spec import load_study
from tests.search.conftest import Outcome, write_study
from tests.search.running.idle import everybody, nobody, study

Crucible = Callable[..., Outcome]
ALL = "base, gsm8k, math, code and uniform"
EVIDENCE = "select subject_digest, slice_digest, item, measured_at from crucible_evidence"
TRIALS = "select trial from crucible_candidates where kind = 'trial' order by trial"
STATE = "select state, reason from crucible_studies"
GSM8K = {"name": "gsm8k", "task": "gsm8k", "data": "gsm8k.jsonl", "num_fewshot": 0, "search": 6, "holdout": 4}


def asked(query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect("crucible.db") as database:
        return database.execute(query).fetchall()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def blind(folder: Path) -> Path:
    """A study of one slice that nobody answers, and one that everybody does."""
    return write_study(folder, study(nobody(folder), everybody(folder)))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [record.getMessage() for record in caplog.records if "steers nothing" in record.getMessage()]
    assert all("\n" not in line for line in lines)
    return lines


# -- what is said --------------------------------------------------------------------------------------------


def test_nobody_and_everybody_are_said_with_the_interval_that_so_many_items_allow(
    blind: Path, crucible: Crucible, caplog: pytest.LogCaptureFixture
) -> None:
    crucible("run", blind)
    assert said(caplog) == [
        f"slice 'nobody' steers nothing: {ALL} each answer 0 of its 6 search items rightly (0.0%, 95%"
        " interval 0.0% to 39.0%); what helps: `objective: gold_logprob`; more few-shots (num_fewshot is 0);"
        " other, easier items",
        f"slice 'everybody' steers nothing: {ALL} each answer 6 of its 6 search items rightly (100.0%, 95%"
        " interval 61.0% to 100.0%); what helps: `objective: gold_logprob`; other, harder items",
    ]


@pytest.fixture
def two(blind: Path) -> Workshop:
    return open_workshop(load_study(blind))


def test_a_slice_steers_as_soon_as_one_of_all_answers_otherwise(two: Workshop) -> None:
    all_wrong, one, all_right = (wilson(k, 6) for k in (0, 1, 6))

    def idle(*scores: Any) -> list[str]:
        named = dict(enumerate(scores))
        found = {"nobody": {str(i): each for i, each in named.items()}, "everybody": {"0": one, "1": one}}
        return [each.slice for each in idle_slices(two, found)]

    assert idle(all_wrong, all_wrong, all_wrong) == ["nobody"]
    assert idle(all_right, all_right) == ["nobody"]
    assert idle(all_wrong, one) == []
    assert idle(one, one) == [], "the same share, but of items that may differ"
    assert idle(all_wrong, all_right) == [], "nothing steers more"
    assert idle(MeanLogprob(0.0, 6), MeanLogprob(0.0, 6)) == []


def test_only_what_the_study_would_be_let_do_is_said_to_help(folder: Path) -> None:
    slices = [
        {**nobody(folder, "math"), "task": "minerva_math", "data": "math.jsonl"},
        {**nobody(folder), "num_fewshot": 2},
    ]
    del slices[0]["num_fewshot"]
    (folder / "math.jsonl").unlink()  # the tiny study's own items
    workshop = open_workshop(load_study(write_study(folder, study(*slices))))
    for k, helps in (
        (0, [["other, easier items"], ["more few-shots (num_fewshot is 2)", "other, easier items"]]),
        (
            6,
            [
                ["fewer few-shots (num_fewshot is 4)", "other, harder items"],
                ["fewer few-shots (num_fewshot is 2)", "other, harder items"],
            ],
        ),
    ):
        scores = {name: {"base": wilson(k, 6), "uniform": wilson(k, 6)} for name in ("math", "nobody")}
        found = [each.helps for each in idle_slices(workshop, scores)]
        assert [list(each[1:]) for each in found] == helps, "MATH has four examples of its own, and no fifth"
        assert {each[0] for each in found} == {"`objective: gold_logprob`"}


def test_a_search_is_refused_only_where_no_slice_steers(two: Workshop) -> None:
    alike = {name: {"base": wilson(0, 6), "uniform": wilson(0, 6)} for name in ("nobody", "everybody")}
    idle = idle_slices(two, alike)
    check_steered(two, idle[:1])
    with pytest.raises(NothingSteers, match=r"none steers the search \(nobody, everybody\)"):
        check_steered(two, idle)


# -- what `run` does -----------------------------------------------------------------------------------------


def test_a_search_that_no_slice_steers_is_not_begun_and_its_baselines_are_kept(
    blind: Path, crucible: Crucible
) -> None:
    outcome = crucible("run", blind)
    assert outcome.code == 2
    (line,) = outcome.err.strip().splitlines()
    assert line == (
        "crucible: study 'tiny': slices: none steers the search (nobody, everybody), so nothing was searched;"
        " what the baselines answered is kept. Change the study under another name (`objective:"
        " gold_logprob`; more few-shots (num_fewshot is 0); other, easier items; other, harder items),"
        " or search all the same with --anyway"
    )
    assert len(asked(EVIDENCE)) == 5 * 2 * 6, "the search items of the baselines; no holdout item"
    assert asked(TRIALS) == []
    assert asked(STATE) == [("stopped", line.removeprefix("crucible: "))]


def test_anyway_goes_on_without_measuring_again_and_then_needs_to_be_said_no_more(
    blind: Path, crucible: Crucible
) -> None:
    assert crucible("run", blind).code == 2
    baselines = asked(EVIDENCE)
    assert crucible("run", blind).code == 2, "it is asked again"
    assert asked(EVIDENCE) == baselines
    first = crucible("run", blind, "--trials", 1, "--anyway", "--json")
    assert (first.code, len(json.loads(first.out))) == (0, 6)
    assert set(baselines) < set(asked(EVIDENCE)), "with the times at which they were measured"
    assert asked(TRIALS) == [(0,)]
    assert crucible("run", blind, "--trials", 2).code == 0, "a study that has trials goes on"
    assert asked(TRIALS) == [(0,), (1,)]
    assert asked(STATE) == [("complete", None)]


def test_where_no_search_would_begin_nothing_is_refused(blind: Path, crucible: Crucible) -> None:
    outcome = crucible("run", blind, "--hours", 0, "--json")
    assert outcome.code == 0, outcome.err
    assert all(row["holdout_mean"] is not None for row in json.loads(outcome.out))


def test_a_slice_that_steers_beside_one_that_does_not_is_enough(
    folder: Path, crucible: Crucible, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_study(folder, study(nobody(folder), GSM8K, max_tokens=48))
    outcome = crucible("run", file, "--trials", 1, "--json")
    assert outcome.code == 0, outcome.err
    assert [line.split(":")[0] for line in said(caplog)] == ["slice 'nobody' steers nothing"]
    assert json.loads(outcome.out)


def test_a_search_by_gold_answers_is_steered_by_items_that_nobody_answers(
    folder: Path, crucible: Crucible, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_study(folder, study(nobody(folder), everybody(folder), objective="gold_logprob"))
    assert crucible("run", file, "--trials", 1).code == 0
    assert said(caplog) == []


def test_on_a_command_line_json_stays_alone_on_standard_output(blind: Path) -> None:
    """In a process of its own: what libraries and loggers print goes where a script sees it."""
    repo = Path(__file__).parents[3]
    command = [sys.executable, "-m", "search", "run", str(blind), "--trials", "1", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(repo)}

    def start(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *more], env=environment, capture_output=True, text=True, timeout=300)

    refused, anyway = start(), start("--anyway")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.strip().splitlines()[-1].endswith("or search all the same with --anyway")
    assert "Traceback" not in refused.stderr
    assert anyway.returncode == 0, anyway.stderr
    assert len(json.loads(anyway.stdout)) == 6
    assert anyway.stderr.count("steers nothing") == 2
