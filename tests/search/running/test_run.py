"""A study runs from its file to a verdict; whatever stops it, it goes on, and nothing is measured twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from safetensors.torch import load_file, save_file

from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.errors import StudyChanged
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard
from tests.forked import Command
from tests.search.conftest import Finished, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
EVIDENCE = "select subject_digest, slice_digest, item, measured_at from crucible_evidence"
TRIALS = "select trial, digest from crucible_candidates where kind = 'trial' order by trial"


def rows_of(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def start(file: Path, *options: str) -> Command:
    return Command(file.parent, "run", file, *options)


def start_anew(file: Path, *options: str) -> subprocess.Popen[str]:
    """With imports and a seed of hashes of its own."""
    command = [sys.executable, "-m", "search", "run", str(file), *options]
    repo = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(repo), "PYTHONHASHSEED": "random"}
    return subprocess.Popen(
        command,
        cwd=file.parent,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_evidence(database: Path, at_least: int, process: Command) -> None:
    """Block until a running study has measured so many items."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if len(rows_of(database, EVIDENCE)) >= at_least:
                return
        except sqlite3.OperationalError:  # the file or its tables are not there yet
            pass
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"no {at_least} items were measured: {process.communicate()}")


def test_baselines_come_first_then_trials_then_judgement(finished: Finished) -> None:
    with StudyStore(finished.storage) as store:
        names = [each.name for each in store.candidates(store.study("tiny"))]
        (summary,) = store.studies()
    assert names[:5] == ["base", "gsm8k", "math", "code", "uniform"]
    assert names[5:] == [f"trial {i}" for i in range(4)]
    assert (summary.state, summary.trials, summary.failed) == ("complete", 4, 0)


def test_baselines_and_finalists_are_judged_and_no_others(finished: Finished) -> None:
    with StudyStore(finished.storage) as store:
        rows = build_leaderboard(store, "tiny")
    judged = [row for row in rows if row.holdout_mean is not None]
    assert {row.kind for row in judged} == {"base", "expert", "uniform", "trial"}
    assert sum(row.kind == "trial" for row in judged) == 2
    assert all(score.n == 12 for row in judged for score in row.holdout.values())
    trials = [row for row in rows if row.kind == "trial"]
    best = sorted(trials, key=lambda row: -sum(score.mean for score in row.search.values()))
    floor = min(sum(score.mean for score in row.search.values()) for row in judged if row.kind == "trial")
    assert floor >= sum(score.mean for score in best[2].search.values())


def test_an_expert_alone_is_best_at_its_own_slice(finished: Finished) -> None:
    with StudyStore(finished.storage) as store:
        rows = {row.name: row for row in build_leaderboard(store, "tiny")}
    for name in ("gsm8k", "math", "code"):
        scores = {part: score.mean for part, score in rows[name].holdout.items()}
        assert max(scores, key=lambda part: scores[part]) == name
        assert scores[name] >= 0.75


def test_a_complete_study_is_not_measured_again(finished: Finished, crucible: Crucible) -> None:
    database = finished.folder / "crucible.db"
    before = rows_of(database, EVIDENCE)
    outcome = crucible("run", finished.file, "--storage", finished.storage, "--json")
    assert outcome.code == 0
    assert rows_of(database, EVIDENCE) == before
    assert len(json.loads(outcome.out)) == 9


def test_more_trials_extend_a_complete_study(study_file: Path, crucible: Crucible) -> None:
    assert crucible("run", study_file, "--trials", 1).code == 0
    first = rows_of(study_file.parent / "crucible.db", TRIALS)
    assert crucible("run", study_file, "--trials", 3).code == 0
    extended = rows_of(study_file.parent / "crucible.db", TRIALS)
    assert extended[:1] == first
    assert [trial for trial, _ in extended] == [0, 1, 2]


def test_hours_end_a_search_and_its_best_are_still_judged(study_file: Path, crucible: Crucible) -> None:
    outcome = crucible("run", study_file, "--hours", 0, "--json")
    assert outcome.code == 0
    (line,) = json.loads(crucible("status", "--json").out)
    assert line["reason"] == "time ran out after 0 of 4 trials"
    rows = json.loads(outcome.out)
    assert [row["kind"] for row in rows].count("trial") == 0
    assert all(row["holdout_mean"] is not None for row in rows)


def test_the_same_seed_in_two_fresh_processes_gives_the_same_recipes_and_scores(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        file = write_study(tmp_path / name, small_study(trials=3))
        process = start_anew(file, "--json")
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        found.append(json.loads(out))
    assert found[0] == found[1]


def test_killed_in_mid_search_it_goes_on_and_measures_nothing_twice(
    tmp_path: Path, finished: Finished
) -> None:
    file = write_study(tmp_path / "killed", small_study())
    database = file.parent / "crucible.db"
    process = start(file)
    wait_for_evidence(database, 18 * 6, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = rows_of(database, EVIDENCE)
    resumed = start_anew(file)
    _, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    after = rows_of(database, EVIDENCE)
    assert set(before) < set(after), "what was measured before the kill keeps its time of measurement"
    undisturbed = rows_of(finished.folder / "crucible.db", EVIDENCE)
    assert {row[:3] for row in after} == {row[:3] for row in undisturbed}
    assert rows_of(database, TRIALS) == rows_of(finished.folder / "crucible.db", TRIALS)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_says_how_to_go_on(tmp_path: Path, signum: signal.Signals) -> None:
    file = write_study(tmp_path, small_study(trials=50))
    process = start(file, "--trials", "50")
    wait_for_evidence(tmp_path / "crucible.db", 18, process)
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signum, err
    assert f"to go on: crucible run {file} --trials 50" in err
    assert "Traceback" not in err
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as store:
        (summary,) = store.studies()
    assert (summary.state, summary.reason) == ("stopped", signum.name)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that was run to a verdict after one trial, with a model of its own."""
    folder = tmp_path_factory.mktemp("begun")
    file = write_study(folder, small_study())
    source = (folder / "math").resolve()
    (folder / "math").unlink()
    shutil.copytree(source, folder / "math")
    run_study(load_study(file), f"sqlite:///{folder / 'crucible.db'}", Display(Console(quiet=True)), trials=1)
    return folder


@pytest.fixture
def own_models(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study begun over models that are its own to change, in the working directory."""
    shutil.copytree(begun, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "study.yaml"


def test_a_changed_study_file_is_refused_by_field(own_models: Path, crucible: Crucible) -> None:
    own_models.write_text(own_models.read_text().replace("dtype: bfloat16", "dtype: float32"))
    outcome = crucible("run", own_models)
    assert outcome.code == 2
    assert 'study.dtype was "bfloat16", now "float32"' in outcome.err


def test_changed_weights_are_refused_by_model(own_models: Path, crucible: Crucible) -> None:
    weights = own_models.parent / "math" / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(weights).items()}
    tensors["model.norm.weight"] *= 1.5
    save_file(tensors, weights, metadata={"format": "pt"})
    outcome = crucible("run", own_models)
    assert outcome.code == 2
    assert "models.math.weights was" in outcome.err


def test_changed_items_are_refused_by_slice(own_models: Path, crucible: Crucible) -> None:
    data = own_models.parent / "gsm8k.jsonl"
    data.write_text(data.read_text().replace("How many", "How much"))
    outcome = crucible("run", own_models)
    assert outcome.code == 2
    assert "items.gsm8k/" in outcome.err


def test_a_moved_study_is_the_same_study(tmp_path: Path, own_models: Path, crucible: Crucible) -> None:
    moved = tmp_path / "moved"
    write_study(moved, small_study())
    before = rows_of(tmp_path / "crucible.db", EVIDENCE)
    assert crucible("run", moved / "study.yaml", "--trials", 1).code == 0
    assert rows_of(tmp_path / "crucible.db", EVIDENCE) == before


def test_a_trial_beyond_float32_fails_with_its_reason_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    monkeypatch.chdir(tmp_path)
    study = small_study(trials=2)
    study["search_space"] |= {"weight": [3e38, 3.1e38], "lambda": [1e10, 2e10]}  # type: ignore[operator]
    file = write_study(tmp_path, study)
    assert crucible("run", file).code == 0
    with StudyStore("sqlite:///crucible.db") as store:
        trials = [each for each in store.candidates(store.study("tiny")) if each.kind == "trial"]
        (summary,) = store.studies()
    assert [each.state for each in trials] == ["failed", "failed"]
    assert "too large for float32" in str(trials[0].reason)
    assert (summary.state, summary.failed) == ("complete", 2)


def test_a_changed_study_raises_before_any_work(study_file: Path, crucible: Crucible) -> None:
    spec = load_study(study_file)
    with StudyStore("sqlite:///crucible.db") as store:
        store.begin(spec.name, {"study": {"name": "another"}})
        with pytest.raises(StudyChanged):
            store.begin(spec.name, {"study": {"name": spec.name}})
    assert crucible("run", study_file).code == 2
    assert rows_of(study_file.parent / "crucible.db", EVIDENCE) == []
