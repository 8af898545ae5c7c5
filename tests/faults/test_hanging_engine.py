"""An engine that hangs is replaced at the trial's deadline, and its trial is measured all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.conftest import LONG, MakeScene
from tests.faults.processes import wait_until
from tests.faults.studies import Left
from tests.faults.witness import repeated

TRIALS = 8
DEADLINE_MIN = 0.05
REPLACED = 75
"""Exit code of a process whose own engine hangs: whoever started it starts another."""


@pytest.mark.skipif(not LONG, reason="starts processes anew: part of make test-faults")
def test_a_worker_whose_engine_hangs_is_replaced_by_its_parent(
    make_scene: MakeScene, some_storage: str, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(some_storage, TRIALS, sampler="random", seconds=0.05, trial_minutes=DEADLINE_MIN)
    parent = scene.start("--workers", 2)
    wait_until(lambda: scene.answered >= 12)
    scene.hang.touch()
    assert scene.finish(parent) == undisturbed(TRIALS, "random")
    assert not scene.hang.exists(), "no engine hung"
    assert f"ended (exit code {REPLACED}); it is started again" in parent.said
    pids = {each.pid for each in scene.asked()}
    repeated(scene.asked(), pids)


def test_a_run_whose_engine_hangs_ends_and_says_how_to_go_on(
    make_scene: MakeScene, some_storage: str, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(some_storage, TRIALS, seconds=0.05, trial_minutes=DEADLINE_MIN)
    scene.hang.touch()
    command = scene.start()
    assert command.end(60) == REPLACED, command.said
    assert "to go on" in command.said.splitlines()[-1]
    assert scene.finish(scene.start()) == undisturbed(TRIALS, "tpe")
    repeated(scene.asked(), {command.pid})
