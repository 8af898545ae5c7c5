"""`crucible run --workers`: its workers are restarted when they die, and die with it when it does."""

from __future__ import annotations

import signal
from collections.abc import Callable
from random import Random

from tests.faults.conftest import LONG, MakeScene
from tests.faults.processes import command_line, descendants, wait_until
from tests.faults.scene import Scene
from tests.faults.studies import IN_FLIGHT, Left, proposals, unfinished_business
from tests.faults.witness import repeated

MANY = 1000
"""More trials than there is time for: as many as were begun are finished in the end."""
VICTIMS = ("worker", "parent", "worker", "parent", "worker", "worker") if LONG else ("worker", "parent")


def workers_of(pid: int) -> list[int]:
    return [each for each in descendants(pid) if " worker " in f"{command_line(each)} "]


def run_and_kill(scene: Scene, draw: Random) -> int:
    """Kill each victim at a random moment; returns how many trials were begun when the last one died."""
    parent = scene.start("--workers", 2)
    for victim in VICTIMS:
        known = {each.pid for each in scene.asked()}
        wait_until(lambda: {each.pid for each in scene.asked()} > known, what="no worker is at work")  # noqa: B023
        scene.await_moment(draw, scene.is_over)
        workers = workers_of(parent.pid)
        if victim == "worker":
            scene.kill(draw.choice(workers))
            continue
        scene.kill(parent.pid)
        scene.killed |= set(workers)  # the kernel kills them
        wait_until(lambda: not any(map(command_line, workers)), 10, "workers outlive their parent")  # noqa: B023
        parent = scene.start("--workers", 2)
    parent.send(signal.SIGTERM)
    # The second of these where it came before anybody listened.
    assert parent.end() in (128 + signal.SIGTERM, -signal.SIGTERM), parent.said
    return len(proposals(scene.storage))


def test_workers_and_parents_that_are_killed_cost_what_was_in_flight(
    some_storage: str, make_scene: MakeScene, draw: Random, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(some_storage, MANY, sampler="random", seconds=0.1)
    begun = run_and_kill(scene, draw)
    parent = scene.start("--workers", 2, "--trials", begun + 2)
    assert scene.finish(parent) == undisturbed(begun + 2, "random")
    again = repeated(scene.asked(), scene.killed)
    assert max(again.values(), default=0) <= IN_FLIGHT
    assert unfinished_business(some_storage) == []
