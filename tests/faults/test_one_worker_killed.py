"""One worker, killed at random moments and started again: it ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.faults.conftest import LONG, MakeScene
from tests.faults.scene import Scene
from tests.faults.studies import IN_FLIGHT, Left
from tests.faults.witness import repeated

KILLS = 24 if LONG else 5
TRIALS = 30 if LONG else 8
RACED = {"search": 48, "racing": {"error": 0.5, "blocks": 3}}


def run_and_kill(scene: Scene, draw: Random) -> Left:
    command = scene.start()
    for _ in range(KILLS):
        scene.await_moment(draw, lambda: not command.running)  # noqa: B023
        assert command.running, f"it ended before it was killed {KILLS} times: {command.said}"
        scene.kill(command.pid)
        command.end()
        command = scene.start()
    return scene.finish(command)


def test_it_leaves_what_an_undisturbed_run_leaves(
    storage: str, make_scene: MakeScene, draw: Random, undisturbed: Callable[..., Left]
) -> None:
    scene = make_scene(storage, TRIALS, seconds=0.05)
    left = run_and_kill(scene, draw)
    whole = undisturbed(TRIALS, "tpe")
    assert len(scene.killed) == KILLS
    assert left.proposals == whole.proposals
    assert left.leaderboard == whole.leaderboard
    assert left == whole
    again = repeated(scene.asked(), scene.killed)
    assert max(again.values(), default=0) <= IN_FLIGHT


def test_so_it_does_where_candidates_are_stopped_early(
    some_storage: str, make_scene: MakeScene, draw: Random, undisturbed: Callable[..., Left]
) -> None:
    scene = make_scene(some_storage, TRIALS, seconds=0.05, **RACED)
    left = run_and_kill(scene, draw)
    whole = undisturbed(TRIALS, "tpe", **RACED)
    states = {state for _, _, state in whole.candidates.values()}
    assert states == {"complete", "pruned"}
    assert left == whole
