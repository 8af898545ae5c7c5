"""Races in a study that the fake engine answers: two slices of 48 questions, in three blocks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from search.showing.display import Display
from search.showing.status import list_studies
from search.study_file.began import as_begun
from search.study_file.racing import OFF, RacingSpec
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.store import StudyStore
from studies.store.rows import Candidate
from studies.verdicts.leaderboard import build_leaderboard
from studies.verdicts.savings import savings
from tests.faults.studies import NAME, proposals, write_study

ITEMS = 48
EAGER = {"error": 0.5, "blocks": 8}
"""Half of those that would have won may be stopped: so small a study then stops somebody."""


def run(folder: Path, trials: int = 12, said: Console | None = None, **study: Any) -> str:
    """Run a study to its end, or until it has so many trials; returns its storage."""
    file = write_study(folder, 12, search=ITEMS, **study)
    storage = f"sqlite:///{folder / 'crucible.db'}"
    run_study(load_study(file), storage, Display(said or Console(quiet=True)), trials=trials)
    return storage


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run(tmp_path_factory.mktemp("raced"), racing=EAGER)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same study, everybody asked everything."""
    return run(tmp_path_factory.mktemp("whole"), racing=False)


def trials(storage: str) -> list[Candidate]:
    with StudyStore(storage, create=False) as store:
        return [row for row in store.candidates(store.study(NAME)) if row.kind == "trial"]


def asked(storage: str, row: Candidate, split: str = "search") -> list[int]:
    """How many items of each slice it was asked."""
    with StudyStore(storage, create=False) as store:
        parts = [part for part in store.slices(store.study(NAME)) if part.split == split]
        return [store.tallies([row.digest], part.digest)[row.digest].n for part in parts]


def test_some_are_stopped_after_a_block_and_the_others_are_asked_everything(raced: str) -> None:
    for row in trials(raced):
        if row.state == "pruned":
            assert asked(raced, row) in ([16, 16], [32, 32])
            assert str(row.reason).startswith(f"stopped after {sum(asked(raced, row))} of 96 items")
        else:
            assert (row.state, asked(raced, row)) == ("complete", [48, 48])
    assert Counter(row.state for row in trials(raced)).keys() == {"pruned", "complete"}


def test_the_sampler_is_told_an_estimate(raced: str, whole: str) -> None:
    """The first trials are the same in both studies: their estimates lie about their scores."""
    told, scores = proposals(raced), proposals(whole)
    stopped = [row for row in trials(raced) if row.state == "pruned" and row.trial is not None]
    assert {told[row.trial][0] for row in stopped if row.trial is not None} == {"PRUNED"}
    first = [row.trial for row in stopped if told[row.trial or 0][2] == scores[row.trial or 0][2]]
    assert first
    for number in first:
        estimate, score = told[number or 0][1], scores[number or 0][1]
        assert estimate == pytest.approx(score, abs=0.15)


def test_nobody_that_was_stopped_is_judged(raced: str) -> None:
    stopped = {row.name for row in trials(raced) if row.state == "pruned"}
    assert all(asked(raced, row, "holdout") == [0, 0] for row in trials(raced) if row.name in stopped)
    with StudyStore(raced, create=False) as store:
        assert not stopped & {row.name for row in build_leaderboard(store, NAME)}


def test_what_was_saved_is_counted(raced: str) -> None:
    rows = {row.digest: row for row in trials(raced)}.values()
    left = sum(96 - sum(asked(raced, row)) for row in rows)
    with StudyStore(raced, create=False) as store:
        found = savings(store, store.study(NAME))
    assert found is not None
    assert (found.items, found.items_saved) == (96 * len(rows), left)
    assert found.share == left / (96 * len(rows))
    assert found.tokens_saved > 0


def test_status_tells_it(raced: str, whole: str) -> None:
    (line,) = list_studies(raced)
    stopped = sum(row.state == "pruned" for row in trials(raced))
    said = line.to_json()
    assert (said["trials"], said["pruned"], said["failed"]) == (12, stopped, 0)
    assert said["racing"]["items_saved"] > 0
    assert 0 < said["racing"]["share"] < 1
    json.dumps(said)
    assert list_studies(whole)[0].to_json()["racing"] is None


def test_the_display_tells_it(tmp_path: Path) -> None:
    said = Console(record=True, width=200, file=StringIO())
    run(tmp_path / "study", trials=5, said=said, racing=EAGER)
    lines = [line for line in said.export_text().splitlines() if line.startswith("search")]
    assert any("stopped after 32 of 96 items (1 of 3 blocks), at about" in line for line in lines)
    assert any("of items saved" in line for line in lines)
    assert not any("failed" in line for line in lines)


def test_a_search_whose_trials_are_all_stopped_has_a_verdict_all_the_same(tmp_path: Path) -> None:
    """The only trial: the first of this study that is stopped is measured in full for the verdict."""
    storage = run(tmp_path, trials=1, racing=EAGER)
    (row,) = trials(storage)
    assert proposals(storage)[0][0] == "PRUNED"
    assert (row.state, asked(storage, row)) == ("complete", [48, 48])
    assert asked(storage, row, "holdout") == [16, 16]


@pytest.mark.parametrize("trial", [3, 7])
def test_a_study_that_is_stopped_and_goes_on_ends_as_if_it_had_not(
    raced: str, tmp_path: Path, trial: int
) -> None:
    run(tmp_path, trials=trial, racing=EAGER)
    again = run(tmp_path, racing=EAGER)
    assert proposals(again) == proposals(raced)
    assert trials(again) == trials(raced)


def test_new_studies_are_raced_and_those_that_began_before_are_not(tmp_path: Path) -> None:
    silent = load_study(write_study(tmp_path, 2, search=ITEMS))
    assert silent.racing is None
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as store:
        assert as_begun(silent, store).racing == RacingSpec(error=0.05, blocks=8)
        store.begin(NAME, {"study": silent.identity()})
        assert as_begun(silent, store).racing == OFF
        assert as_begun(silent, store).identity() == silent.identity()


def test_a_silent_file_goes_on_as_its_study_began(tmp_path: Path, raced: str) -> None:
    silent = load_study(write_study(tmp_path, 12, search=ITEMS))
    with StudyStore(raced, create=False) as store:
        assert as_begun(silent, store).racing == RacingSpec.model_validate(EAGER)


def test_the_command_says_what_racing_saved(
    tmp_path: Path, crucible: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path, 4, search=ITEMS, racing=EAGER)
    said = crucible("run", "study.yaml")
    assert said.code == 0, said.err
    assert "trials early: " in said.out
    assert "of 384 items saved (" in said.out
