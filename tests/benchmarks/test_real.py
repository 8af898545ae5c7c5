"""`make real`: what it keeps of a study, and what people read of it. Here the study is the tiny one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.real import EXAMPLE, clear, measure, prepare, versions
from benchmarks.real_run import RealRun
from tests.search.conftest import small_study, write_study


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RealRun:
    folder = tmp_path_factory.mktemp("real")
    (folder / "work").mkdir()
    return measure(write_study(folder, small_study(trials=3, items=4)), folder / "work")


def test_a_run_is_checked_run_and_exported_each_with_its_time(found: RealRun) -> None:
    assert list(found.seconds) == ["check", "run", "export"]
    assert all(seconds > 0 for seconds in found.seconds.values())


def test_every_candidate_is_kept_with_its_phase_and_seconds(found: RealRun) -> None:
    assert len(found.of_phase("baselines")) == 5
    assert len(found.of_phase("trials")) == 3
    assert sum(map(len, map(found.of_phase, ("baselines", "trials", "holdout")))) == len(found.steps)
    assert sum(found.of_phase("trials")) <= found.seconds["run"]


def test_the_page_has_every_judged_candidate_with_its_intervals_and_the_conclusion(found: RealRun) -> None:
    page = found.to_markdown()
    judged = [row for row in found.rows if row["holdout_mean"] is not None]
    assert len(judged) == 7
    for row in judged:
        score = row["holdout"]["gsm8k"]
        line = next(line for line in page.splitlines() if line.startswith(f"| {row['name']} |"))
        cell = f"{100 * score['mean']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]"
        assert cell in line
    assert "gsm8k (n = 8)" in page
    assert found.conclusion in page


def test_json_has_the_study_the_versions_and_the_rows_of_the_leaderboard(found: RealRun) -> None:
    data = json.loads(json.dumps(found.to_json()))
    assert data["study"]["budget"]["trials"] == 3
    assert data["versions"]["torch"] == versions()["torch"]
    assert data["rows"][0]["vs_base"].keys() == {"mean", "low", "high"}
    assert {step["phase"] for step in data["steps"]} == {"baselines", "trials", "holdout"}


def test_a_new_run_takes_away_what_an_earlier_one_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "best").mkdir()
    for name in ("crucible.db", "crucible.db-wal", "best/config.json", "mine.txt"):
        (tmp_path / name).touch()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    clear(tmp_path / "new")
    assert (tmp_path / "new").is_dir()


def test_what_cannot_be_prepared_ends_with_the_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        prepare([f"--gsm8k={tmp_path}", f"--out={tmp_path / 'cache'}"])
    assert end.value.code == 1
    assert f"{tmp_path / 'gsm8k_train.jsonl'}: missing" in capfd.readouterr().err


def test_the_study_that_is_run_lies_beside_what_prepares_it() -> None:
    assert (EXAMPLE / "study.yaml").is_file()
    assert (EXAMPLE / "prepare.py").is_file()
