"""PostgreSQL goes away in mid-run: the workers wait for it, and no trial is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import LONG, MakeScene
from tests.faults.processes import wait_until
from tests.faults.scene import Scene
from tests.faults.server import Door, Server, door
from tests.faults.studies import IN_FLIGHT, Left, unfinished_business
from tests.faults.witness import repeated

TRIALS = 24 if LONG else 10
OUTAGES = (30.0, 2.0, 1.0, 5.0, 0.2, 0.0) if LONG else (3.0, 0.0)
VERB = "worker"
AWAY_S = 30.0 if LONG else 3.0


@pytest.fixture
def way(server: Server, tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path / "door", server) as made:
        yield made


def cut_off(scene: Scene, way: Door, draw: Random) -> None:
    """Shut the door at random moments, for so many seconds each."""
    for seconds in OUTAGES:
        scene.await_moment(draw, scene.is_over)
        assert not scene.is_over(), f"it ended too early: {scene.said()}"
        way.shut()
        time.sleep(seconds)
        way.open()


def test_connections_that_break_lose_no_trial_of_one_worker(
    server: Server, way: Door, make_scene: MakeScene, draw: Random, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(way.through(server.schema()), TRIALS, seconds=0.05)
    command = scene.start()
    cut_off(scene, way, draw)
    assert scene.finish(command) == undisturbed(TRIALS, "tpe")
    assert repeated(scene.asked(), ()) == {}
    assert "the storage is back" in command.said


def test_a_server_that_crashes_loses_no_trial_of_two_workers(
    server: Server, make_scene: MakeScene, draw: Random, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(server.schema(), TRIALS, sampler="random", seconds=0.05)
    workers = [scene.start(verb=VERB) for _ in range(2)]
    scene.await_moment(draw, scene.is_over, ahead=8)
    server.crash()
    time.sleep(AWAY_S)
    server.start()
    assert [each.end() for each in workers] == [0, 0], scene.said()
    assert scene.finish() == undisturbed(TRIALS, "random")
    assert repeated(scene.asked(), ()) == {}
    assert unfinished_business(scene.storage) == []


def test_evidence_of_a_worker_that_is_killed_while_the_server_is_away_is_kept(
    server: Server, way: Door, make_scene: MakeScene, draw: Random, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(way.through(server.schema()), TRIALS, seconds=0.2)
    command = scene.start()
    scene.await_moment(draw, scene.is_over, ahead=12)
    way.shut()
    wait_until(lambda: bool(scene.spooled()), what="no evidence is kept on this machine")
    command.send(signal.SIGKILL)
    command.end()
    kept = scene.spooled()
    way.open()
    assert scene.finish(scene.start()) == undisturbed(TRIALS, "tpe")
    assert scene.spooled() == []
    again = repeated(scene.asked(), {command.pid})
    assert sum(again.values()) <= IN_FLIGHT, f"{len(kept)} files were kept"
