"""Scenes, a server that may be stopped, and what undisturbed runs leave."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.processes import ended
from tests.faults.scene import Scene
from tests.faults.server import Server
from tests.faults.studies import Left, write_study

LONG = os.environ.get("FAULTS") == "long"
SEED = int(os.environ.get("FAULTS_SEED", "0"))
MakeScene = Callable[..., Scene]


@pytest.fixture(autouse=True, scope="session")
def _quiet_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread a process, and a cache of this session's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="session")
def server(_quiet_machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PostgreSQL, started for these tests and stopped after them."""
    server = Server(tmp_path_factory.mktemp("postgres"))
    yield server
    server.close()


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> Random:
    """Random moments; the seed is printed, and FAULTS_SEED sets another."""
    seed = f"{request.node.name}/{SEED}"
    print(f"FAULTS_SEED={SEED}")
    return Random(seed)


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    """Write a study, to be kept in the database of a URL; all that was started is ended after the test."""
    scenes: list[Scene] = []

    def make(storage: str, trials: int, **study: Any) -> Scene:
        scenes.append(Scene(write_study(tmp_path / f"scene{len(scenes)}", trials, **study), storage))
        return scenes[-1]

    yield make
    with ended(*(command for scene in scenes for command in scene.commands)):
        pass


def _storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crucible.db'}"
    return str(request.getfixturevalue("server").schema())


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where studies may be kept: what holds here holds for every database."""
    return _storage(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"] if LONG else ["sqlite"])
def some_storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As `storage`, for what takes long and hardly depends on it: every database in the long form only."""
    return _storage(request, tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Left]:
    """What a run leaves that nothing disturbs, of so many trials by such a sampler."""
    found: dict[str, Left] = {}

    def run(trials: int, sampler: str, **study: Any) -> Left:
        key = f"{trials} {sampler} {study}"
        if key not in found:
            folder = tmp_path_factory.mktemp("undisturbed")
            file = write_study(folder, trials, sampler, **study)
            scene = Scene(file, f"sqlite:///{folder / 'crucible.db'}")
            scene.start()
            with ended(*scene.commands):
                found[key] = scene.finish()
        return found[key]

    return run
