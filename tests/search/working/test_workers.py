"""Any number of processes work on one study and meet in its database; each may be killed at any moment."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.search.conftest import Outcome, write_study
from tests.search.working.conftest import (
    EVIDENCE,
    TRIALS,
    WORKERS,
    MakeScene,
    Scene,
    complete,
    fake_study,
)

Crucible = Callable[..., Outcome]


def test_several_workers_share_baselines_trials_and_judgement(make_scene: MakeScene, url: str) -> None:
    scene = make_scene(url, trials=10, seconds=0.2)
    workers = [scene.start("worker") for _ in range(3)]
    for each in workers:
        _, err = each.communicate(timeout=300)
        assert each.returncode == 0, err
    complete(scene, 10)
    assert len(scene.rows(WORKERS)) == 3
    stats = [
        json.loads(row[0]) if isinstance(row[0], str) else row[0]
        for row in scene.rows("select stats from crucible_workers")
    ]
    assert sum(each["answers"] for each in stats) == len(scene.rows(EVIDENCE)), "nothing was asked twice"
    assert sum(each["answers"] > 0 for each in stats) >= 2


def test_a_trial_whose_worker_is_killed_is_handed_on(make_scene: MakeScene, url: str) -> None:
    scene = make_scene(url, trials=6, seconds=0.5)
    killed, other = scene.start("worker"), scene.start("worker")
    held = "select w.pid from crucible_holds h join crucible_workers w on h.worker_id = w.id"
    held += f" where h.stage = 'trials' and w.pid = {killed.pid}"
    scene.wait(held, 1, other)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    _, err = other.communicate(timeout=300)
    assert other.returncode == 0, err
    complete(scene, 6)
    states = {pid: state for pid, state, _ in scene.rows(WORKERS)}
    assert states == {killed.pid: "lost", other.pid: "ended"}


def test_two_runs_of_one_study_at_once_cooperate(make_scene: MakeScene, url: str) -> None:
    scene = make_scene(url, trials=8, seconds=0.3)
    runs = [scene.start("run", "--json") for _ in range(2)]
    boards = []
    for each in runs:
        out, err = each.communicate(timeout=300)
        assert each.returncode == 0, err
        boards.append(json.loads(out))
    complete(scene, 8)
    assert boards[0] == boards[1], "both end with the same verdict"


def test_pause_resume_and_stop_reach_every_worker(
    make_scene: MakeScene, url: str, crucible: Crucible
) -> None:
    scene = make_scene(url, trials=200, seconds=0.1)
    workers = [scene.start("worker"), scene.start("worker")]
    scene.wait(TRIALS, 2, *workers)
    said = json.loads(crucible("pause", "tiny", "--storage", url, "--json").out)
    assert said == {"study": "tiny", "wish": "pause", "workers": 2}
    scene.wait("select id from crucible_workers where doing = 'paused'", 2, *workers)
    before = scene.rows(EVIDENCE)
    (line,) = json.loads(crucible("status", "--storage", url, "--json").out)
    assert line["asked"] == "pause"
    assert [each["doing"] for each in line["workers"]] == ["paused", "paused"]
    assert scene.rows(EVIDENCE) == before, "nothing is measured meanwhile"
    assert "may go on" in crucible("resume", "tiny", "--storage", url).out
    scene.wait(EVIDENCE, len(before) + 12, *workers)
    assert "will end" in crucible("stop", "tiny", "--storage", url).out
    for each in workers:
        _, err = each.communicate(timeout=60)
        assert each.returncode == 0, err
        assert "stopped, as `crucible stop` asked" in err
    state = scene.rows("select state, reason from crucible_studies")
    assert state == [("stopped", "crucible stop")]
    assert [row[1] for row in scene.rows(WORKERS)] == ["ended", "ended"]
    late = scene.run("worker")
    assert late.returncode == 0, "one that comes late ends, too"
    assert len(scene.rows(TRIALS)) < 200


def test_run_goes_on_with_what_was_stopped(
    make_scene: MakeScene, sqlite_url: str, crucible: Crucible
) -> None:
    scene = make_scene(sqlite_url, trials=5, seconds=0.3)
    first = scene.start("run")
    scene.wait(TRIALS, 1, first)
    crucible("stop", "tiny", "--storage", sqlite_url)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 3
    assert "Stopped by `crucible stop`. Everything measured is kept; to go on: crucible run" in err
    again = scene.run("run")
    assert again.returncode == 0, again.stderr
    complete(scene, 5)


@pytest.fixture
def begun(make_scene: MakeScene, sqlite_url: str, tmp_path: Path) -> Scene:
    """A study with a trial, over models of its own."""
    scene = make_scene(sqlite_url, trials=1)
    expert = scene.file.parent / "math"
    source = expert.resolve()
    expert.unlink()
    expert.mkdir()
    for part in source.iterdir():
        (expert / part.name).write_bytes(part.read_bytes())
    assert scene.run("run").returncode == 0
    return scene


def test_a_worker_with_another_study_file_is_refused_in_one_line(begun: Scene) -> None:
    write_study(begun.file.parent, fake_study(trials=1, dtype="float32"))
    refused = begun.run("worker")
    assert refused.returncode == 2
    (line,) = refused.stderr.strip().splitlines()
    assert "study 'tiny' is not what it was when it began" in line
    assert 'study.dtype was "bfloat16", now "float32"' in line


def test_a_worker_with_other_model_contents_is_refused_in_one_line(begun: Scene) -> None:
    weights = begun.file.parent / "math" / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(weights).items()}
    tensors["model.norm.weight"] *= 1.5
    save_file(tensors, weights, metadata={"format": "pt"})
    for command in (("worker",), ("run", "--workers", 2)):
        refused = begun.run(*command)
        assert refused.returncode == 2
        assert "models.math.weights was" in refused.stderr.strip().splitlines()[-1]
        assert "Traceback" not in refused.stderr
