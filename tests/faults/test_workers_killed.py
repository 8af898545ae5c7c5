"""Several workers on one study, killed at random moments: the others go on, and it ends as if undisturbed.

The sampler draws at random, each trial from a seed of its own: who measures a trial, and when, is not to be
seen in what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.faults.conftest import LONG, MakeScene
from tests.faults.scene import Scene
from tests.faults.studies import IN_FLIGHT, Left, unfinished_business
from tests.faults.witness import repeated

VERB = "worker"
KILLS = 24 if LONG else 5
TRIALS = 60 if LONG else 16
WORKERS = 4 if LONG else 3


def run_and_kill(scene: Scene, draw: Random, verb: str) -> Left:
    """Kill workers, a random one at a time, and start another in its place."""
    workers = [scene.start(verb=verb) for _ in range(WORKERS)]
    for _ in range(KILLS):
        scene.await_moment(draw, lambda: not any(each.running for each in workers))
        alive = [each for each in workers if each.running]
        assert alive, f"it ended before {KILLS} were killed: {scene.said()}"
        victim = draw.choice(alive)
        scene.kill(victim.pid)
        victim.end()
        workers.append(scene.start(verb=verb))
    for worker in workers:
        assert worker.end() in (0, -9), worker.said
    return scene.finish()


def test_workers_leave_what_one_undisturbed_run_leaves(
    storage: str, make_scene: MakeScene, draw: Random, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(storage, TRIALS, sampler="random", seconds=0.05)
    left = run_and_kill(scene, draw, VERB)
    whole = undisturbed(TRIALS, "random")
    assert len(scene.killed) == KILLS
    assert left.proposals == whole.proposals
    assert left.evidence == whole.evidence
    assert left == whole
    again = repeated(scene.asked(), scene.killed)
    assert max(again.values(), default=0) <= IN_FLIGHT
    assert unfinished_business(storage) == []


def test_two_runs_of_a_study_at_once_cooperate(
    some_storage: str, make_scene: MakeScene, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(some_storage, TRIALS, sampler="random", seconds=0.05)
    first, second = scene.start(), scene.start()
    assert (first.end(), second.end()) == (0, 0), scene.said()
    assert scene.finish() == undisturbed(TRIALS, "random")
    assert repeated(scene.asked(), ()) == {}
    assert {each.pid for each in scene.asked()} == {first.pid, second.pid}
