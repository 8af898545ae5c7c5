"""`crucible run --workers N`: processes that are watched, started again, and end with their parent."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from search.working.asking import tell
from tests.search.working.conftest import EVIDENCE, TRIALS, WORKERS, MakeScene, complete

LIVING = "select pid from crucible_workers where state = 'working'"


def gone(pid: int, within: float = 120.0) -> bool:
    """Whether a process ends within so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_it_shows_what_its_workers_do_and_starts_a_killed_one_again(make_scene: MakeScene, url: str) -> None:
    scene = make_scene(url, trials=30, seconds=0.5)
    run = scene.start("run", "--workers", 2, "--json")
    ((first,), *_) = scene.wait(LIVING, 2, run)
    os.kill(first, signal.SIGKILL)
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    complete(scene, 30)
    lines = err.splitlines()
    assert any("ended (SIGKILL); it is started again in 1 s" in line for line in lines), err
    assert sum(line.startswith("baselines") for line in lines) == 5
    assert sum(line.startswith("search") for line in lines) == 30
    assert sum(line.startswith("holdout") for line in lines) == 7
    assert len(json.loads(out)) == 35
    states = [state for _, state, _ in scene.rows(WORKERS)]
    assert sorted(states) == ["ended", "ended", "lost"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_says_how_to_go_on(
    make_scene: MakeScene, sqlite_url: str, signum: signal.Signals
) -> None:
    scene = make_scene(sqlite_url, trials=500, seconds=0.2)
    run = scene.start("run", "--workers", 2)
    pids = [pid for (pid,) in scene.wait(LIVING, 2, run)]
    scene.wait(TRIALS, 2, run)
    run.send_signal(signum)
    _, err = run.communicate(timeout=240)
    assert run.returncode == 128 + signum, err
    assert f"Stopped by {signum.name}. Everything measured is kept; to go on: crucible run" in err
    assert "--workers 2" in err
    assert "Traceback" not in err
    assert all(gone(pid) for pid in pids)
    assert [state for _, state, _ in scene.rows(WORKERS)] == ["ended", "ended"]
    assert scene.rows("select state from crucible_studies") == [("stopped",)]
    assert scene.rows("select * from crucible_holds") == [], "what they worked on is handed back"


def test_workers_die_with_a_parent_that_is_killed_and_one_worker_goes_on(
    make_scene: MakeScene, sqlite_url: str
) -> None:
    scene = make_scene(sqlite_url, trials=6, seconds=0.5)
    run = scene.start("run", "--workers", 2)
    pids = [pid for (pid,) in scene.wait(LIVING, 2, run)]
    scene.wait(TRIALS, 1, run)
    run.kill()
    run.wait()
    assert all(gone(pid) for pid in pids)
    before = scene.rows(EVIDENCE)
    assert scene.run("run").returncode == 0
    assert set(before) <= set(scene.rows(EVIDENCE)), "nothing is measured twice"
    complete(scene, 6)


def test_what_every_worker_would_be_refused_for_is_said_once(make_scene: MakeScene, sqlite_url: str) -> None:
    scene = make_scene(sqlite_url, trials=2)
    (scene.file.parent / "math").unlink()
    refused = scene.run("run", "--workers", 2)
    assert refused.returncode == 2
    lines = refused.stderr.strip().splitlines()
    assert lines[-1].startswith("crucible: ")
    assert "math" in lines[-1]
    assert "Traceback" not in refused.stderr


def test_stop_reaches_workers_through_the_database(make_scene: MakeScene, sqlite_url: str) -> None:
    scene = make_scene(sqlite_url, trials=500, seconds=0.2)
    run = scene.start("run", "--workers", 2)
    scene.wait(TRIALS, 1, run)
    tell(sqlite_url, "tiny", "stop")
    _, err = run.communicate(timeout=240)
    assert run.returncode == 3, err
    assert "Stopped by `crucible stop`" in err


def test_a_worker_that_is_started_again_after_the_end_still_helps_with_the_verdict(
    make_scene: MakeScene, sqlite_url: str
) -> None:
    scene = make_scene(sqlite_url, trials=3)
    late = scene.run("worker", "--ends", time.time() - 60)
    assert late.returncode == 0, late.stderr
    assert scene.rows("select state, reason from crucible_studies") == [
        ("complete", "time ran out after 0 of 3 trials")
    ]
