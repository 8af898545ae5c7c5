"""`crucible check --workers N`: room for so many, and what they would do in an hour."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from search.study_file.spec import EngineSpec, load_study
from search.working import preflight as flying
from search.working.preflight import preflight, side_by_side
from studies.store import StudyStore
from studies.workers.server import Server
from tests.search.conftest import Outcome, small_study, write_study
from tests.search.working.conftest import fake_study

Crucible = Callable[..., Outcome]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return write_study(tmp_path, small_study())


def test_it_tells_memory_database_and_disk(file: Path, url: str, crucible: Crucible) -> None:
    outcome = crucible("check", file, "--workers", 2, "--storage", url, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)["workers"]
    parameters = json.loads(outcome.out)["model_parameters"]
    assert (found["workers"], len(found["places"]), found["warnings"]) == (2, 2, [])
    (first, second) = found["places"]
    assert first == second
    assert (first["gpus"], first["engine"], first["fits"]) == ([], 4 * parameters, True)
    assert first["threads"] == max(1, flying.cores() // 2)
    assert all(free > 0 for free in found["disk"].values())
    if url.startswith("sqlite"):
        assert found["server"] is None
    else:
        assert found["server"]["most"] > found["server"]["used"] > 0
    text = crucible("check", file, "--workers", 2, "--storage", url).out
    assert "  workers   2\n" in text
    assert ("SQLite, for the workers of this machine" in text) == url.startswith("sqlite")


def test_without_the_option_nothing_is_said_of_workers(
    file: Path, sqlite_url: str, crucible: Crucible
) -> None:
    assert "workers" not in json.loads(crucible("check", file, "--storage", sqlite_url, "--json").out)


def test_more_workers_than_gpus_are_refused_before_anything_is_opened(
    file: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    (file.parent / "math").unlink()
    for command in ("check", "run"):
        outcome = crucible(command, file, "--workers", 3)
        assert outcome.code == 2
        assert outcome.err.startswith("crucible: --workers 3: take one GPU each, but there are 2 here"), (
            command
        )


def test_what_is_tight_is_said(
    file: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    report = json.loads(crucible("check", file, "--storage", sqlite_url, "--json").out)
    from merging.worker.residency import MemoryPlan

    plan = MemoryPlan(**{**report["memory"], "statistics": (10**18,)})
    monkeypatch.setattr(flying, "_available", lambda: 3 << 30)
    StudyStore(sqlite_url).close()  # a server is asked only where there is a database
    monkeypatch.setattr(flying, "server_of", lambda store: Server("16.2", 20, 5))
    found = preflight(load_study(file), sqlite_url, 4, plan, report["model_parameters"])
    memory, server, disk = found.warnings
    assert memory.startswith("this machine's memory, shared out, has 0.0 MB free")
    assert "start fewer workers" in memory
    assert server.startswith("the database has 12 of its 20 connections left, but 4 workers take up to 24")
    assert "statistics may take" in disk
    assert not any(place.fits for place in found.places)
    roomy = preflight(load_study(file), sqlite_url, 1, replace(plan, statistics=(1,)), 1000)
    assert roomy.warnings == ()


def test_a_database_file_on_a_network_is_warned_of(
    file: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver:/home {file.parent} nfs4 rw 0 0\n"
    real = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda self, *a, **k: mounts if str(self) == "/proc/mounts" else real(self, *a, **k),
    )
    assert flying._network(file.parent / "crucible.db") == "nfs4"
    assert flying._network(Path("/elsewhere/crucible.db")) is None


def test_workers_do_as_much_as_there_is_to_compute_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flying, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert side_by_side(EngineSpec(), 4) == 1.0
    assert side_by_side(EngineSpec(name="fake"), 4) == 4
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert (side_by_side(EngineSpec(), 4), side_by_side(EngineSpec(), 16)) == (4, 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    assert side_by_side(EngineSpec(), 4) == 4


def test_a_dry_run_tells_what_workers_would_do_in_an_hour(
    tmp_path: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_study(tmp_path, fake_study(trials=100, seconds=0.5))
    budgets = {
        workers: json.loads(crucible("check", file, "--measure", "--workers", workers, "--json").out)
        for workers in (1, 4)
    }
    one, four = (found["measured"]["budget"] for found in budgets.values())
    assert 4800 < one["trials_per_hour"] < 7200
    assert four["trials_per_hour"] == pytest.approx(4 * one["trials_per_hour"], rel=0.3)
    assert four["seconds"] < one["seconds"] / 2
