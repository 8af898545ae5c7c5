"""The made study reads like a real one, and what reads it asks no more of many trials than of few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from benchmarks.big_study import make
from search.showing.status import list_studies
from studies import open_study
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard, conclusion


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("few") / "study.db", 30)


def made(file: Path, trials: int) -> str:
    make(file, trials, items=12)
    return f"sqlite:///{file}"


def statements(read: Callable[[], object]) -> int:
    """How many statements a reader sends to any database."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(Engine, "before_cursor_execute", note)
    try:
        read()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return count


def board(url: str) -> None:
    with StudyStore(url) as store:
        build_leaderboard(store, "big")


def test_it_is_a_finished_study_of_two_hundred_parameters(few: str) -> None:
    with open_study(few) as study:
        trials, params, scores = study.trials(), study.params(), study.scores()
        leaders = study.leaderboard()
        said = study.conclusion()
    assert params.shape == (30, 200)
    assert trials["state"].value_counts().to_dict() == {"complete": 27, "pruned": 2, "failed": 1}
    assert trials.loc[17, "failure"] == "out of memory"
    assert (trials["score"].notna() == (trials["state"] == "complete")).all()
    assert trials.loc[trials["state"] == "pruned", "items"].tolist() == [12] * 2
    assert len(scores[scores["split"] == "holdout"]) == 3 * (6 + 10)
    assert leaders["holdout_mean"].notna().sum() == 16
    assert "is best" in said


def test_optunas_values_are_the_scores_of_the_evidence(few: str) -> None:
    from studies.trials import Trials

    with open_study(few) as study:
        scores = study.trials()["score"].dropna().to_dict()
    told = {each.number: each.value for each in Trials(few, "big").read() if each.state == "COMPLETE"}
    assert told == pytest.approx(scores)


def test_it_is_the_same_every_time(few: str, tmp_path: Path) -> None:
    with StudyStore(made(tmp_path / "again.db", 30)) as again, StudyStore(few) as first:
        assert conclusion(build_leaderboard(again, "big")) == conclusion(build_leaderboard(first, "big"))
        assert again.candidates(1) == first.candidates(1)


def test_status_and_leaderboard_ask_no_more_of_many_trials_than_of_few(few: str, tmp_path: Path) -> None:
    many = made(tmp_path / "many.db", 90)
    assert statements(lambda: list_studies(few)) == statements(lambda: list_studies(many)) <= 40
    assert statements(lambda: board(few)) == statements(lambda: board(many)) <= 40
