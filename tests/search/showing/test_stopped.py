"""What people see of trials that were stopped early, in a small study that the tiny models really answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from search.candidates.export import export_best
from search.errors import SearchError
from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.store import StudyStore
from studies.store.rows import Candidate
from studies.trials import estimates_of
from studies.verdicts.leaderboard import build_leaderboard
from studies.verdicts.stopped import row_of, stopped_trial
from tests.search.conftest import Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
ITEMS, BLOCK = 32, 16


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four trials on two slices of 32 items, in two blocks; half of the winners may be stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    study = small_study(trials=4, racing={"error": 0.5, "blocks": 2})
    parts: Any = study["slices"]
    slices = [{**part, "search": ITEMS, "holdout": 8} for part in parts[:2]]
    file = write_study(folder, {**study, "slices": slices})
    url = f"sqlite:///{folder / 'crucible.db'}"
    run_study(load_study(file), url, Display(Console(quiet=True)))
    return url


@pytest.fixture(scope="module")
def stopped(storage: str) -> Candidate:
    """The first that was stopped after the first block."""
    with StudyStore(storage, create=False) as store:
        rows = store.candidates(store.study("tiny"))
    assert any(row.state == "complete" for row in rows if row.kind == "trial")
    return next(row for row in rows if row.state == "pruned")


def test_the_leaderboard_ranks_none_and_says_that_there_are_some(
    storage: str, stopped: Candidate, crucible: Crucible
) -> None:
    said = crucible("leaderboard", "tiny", "--storage", storage)
    rows = json.loads(crucible("leaderboard", "tiny", "--storage", storage, "--json").out)
    assert stopped.name not in {row["name"] for row in rows}
    assert {score["n"] for row in rows for score in row["search"].values()} == {ITEMS}
    assert re.search(r"Racing stopped \d of 4 trials early: .* Who was stopped is not ranked\.", said.out)
    assert stopped.name not in said.out


def test_items_that_it_was_not_asked_are_no_wrong_answers(
    storage: str, stopped: Candidate, crucible: Crucible
) -> None:
    which = ("tiny", "--trial", stopped.trial, "--slice", "math", "--storage", storage)
    said = crucible("items", *which).out.splitlines()
    assert re.fullmatch(rf"math \(search\): {stopped.name}, \d+ of {BLOCK} right", said[0])
    assert said[1] == f"It was not asked the slice's other {ITEMS - BLOCK} items: {stopped.reason}"
    rows = json.loads(crucible("items", *which, "--json").out)
    assert len(rows) == BLOCK
    wrong = json.loads(crucible("items", *which, "--wrong", "--json").out)
    assert len(wrong) == sum(not row["correct"] for row in rows)


def test_it_is_compared_on_what_both_were_asked(storage: str, stopped: Candidate, crucible: Crucible) -> None:
    which = ("--slice", "math", "--split", "search", "--storage", storage)
    said = crucible(
        "items", "tiny", "--candidate", "base", "--versus", stopped.trial, *which
    ).out.splitlines()
    assert sum(map(int, re.findall(r"\d+", said[1]))) - (stopped.trial or 0) == BLOCK
    assert said[2] == f"Not both of them were asked the slice's other {ITEMS - BLOCK} items"


def test_its_holdout_items_are_refused_with_the_reason(
    storage: str, stopped: Candidate, crucible: Crucible
) -> None:
    which = ("tiny", "--trial", stopped.trial, "--slice", "math", "--split", "holdout")
    said = crucible("items", *which, "--storage", storage)
    assert said.code == 2
    assert f"answered no holdout items of slice 'math' ({stopped.reason})" in said.err


def test_status_counts_them_apart(storage: str, stopped: Candidate, crucible: Crucible) -> None:
    (line,) = json.loads(crucible("status", "--storage", storage, "--json").out)
    with StudyStore(storage, create=False) as store:
        states = [row.state for row in store.candidates(store.study("tiny")) if row.kind == "trial"]
    assert (line["trials"], line["pruned"], line["failed"]) == (4, states.count("pruned"), 0)
    assert line["racing"]["items_saved"] == 2 * (ITEMS - BLOCK) * states.count("pruned")
    assert "pruned" in crucible("status", "--storage", storage).out


def test_its_merge_can_be_taken_and_is_said_to_have_no_score(
    storage: str, stopped: Candidate, tmp_path: Path, crucible: Crucible, caplog: pytest.LogCaptureFixture
) -> None:
    which = ("tiny", "--trial", stopped.trial, "--storage", storage)
    done = crucible("export", *which, "--out", tmp_path / "recipe", "--format", "recipe")
    assert done.code == 0, done.err
    assert f"{stopped.name} has no score: it was {stopped.reason}" in caplog.text
    assert f"{stopped.name} ({stopped.digest[:12]}) -> " in done.out
    assert yaml.safe_load((tmp_path / "recipe" / "recipe.yaml").read_text())["method"] == "ties"
    done = crucible("export", *which, "--out", tmp_path / "model", "--format", "checkpoint")
    assert done.code == 0, done.err
    card = (tmp_path / "model" / "README.md").read_text()
    assert f"It was not judged: the search {stopped.reason}." in card
    assert "holdout items, which the search never saw" not in card


def test_a_trial_that_there_is_not_is_refused_as_ever(storage: str, tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="no trial 99 that was measured"):
        export_best(storage, "tiny", tmp_path / "out", "recipe", 99)


def test_what_is_known_of_it_is_over_what_it_was_asked(storage: str, stopped: Candidate) -> None:
    assert stopped.trial is not None
    with StudyStore(storage, create=False) as store:
        assert stopped_trial(store, "tiny", stopped.trial) == stopped
        row = row_of(store, "tiny", stopped)
        ranked = build_leaderboard(store, "tiny")
        estimates = estimates_of(store.engine, "tiny")
        done = next(each.trial for each in ranked if each.trial is not None)
        assert stopped_trial(store, "tiny", done) is None
    assert {score.n for score in row.search.values()} == {BLOCK}
    assert (row.holdout, row.holdout_mean, row.vs_base, row.winner) == ({}, None, None, None)
    assert done not in estimates
    assert f"at about {100 * estimates[stopped.trial]:.1f}:" in str(stopped.reason)
