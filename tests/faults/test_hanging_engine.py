"""An engine that hangs is replaced at the trial's deadline, and its trial is measured all the same."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest

from studies.store import StudyStore
from studies.workers.register import all_workers
from tests.faults.conftest import LONG, MakeScene
from tests.faults.processes import wait_until
from tests.faults.studies import IN_FLIGHT, NAME, Left
from tests.faults.witness import DEAF, FOR_EVER, repeated

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


def test_a_run_whose_engine_hangs_begins_anew_in_its_process_and_comes_to_the_end(
    make_scene: MakeScene, some_storage: str, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(some_storage, TRIALS, seconds=0.05, trial_minutes=DEADLINE_MIN)
    command = scene.start("--json")
    wait_until(lambda: scene.answered >= 14)
    scene.hang.touch()
    assert scene.finish(command) == undisturbed(TRIALS, "tpe"), command.said
    assert not scene.hang.exists(), "no engine hung"
    assert command.said.count("the engine is in this process, which begins anew") == 1
    assert {each.pid for each in scene.asked()} == {command.pid}
    assert sum(repeated(scene.asked(), {command.pid}).values()) <= IN_FLIGHT
    assert json.loads(command.said.splitlines()[-1]), "what it prints at its end is one"
    with StudyStore(some_storage) as store:
        found = [(each.state, each.reason) for each in all_workers(store)]
    assert found == [("lost", "its process began anew"), ("ended", None)]


@pytest.mark.skipif(not LONG, reason="starts processes anew: part of make test-faults")
def test_a_trial_that_hangs_every_time_is_given_up_with_its_reason(
    make_scene: MakeScene, storage: str
) -> None:
    scene = make_scene(storage, TRIALS, seconds=0.05, trial_minutes=DEADLINE_MIN)
    command = scene.start()
    wait_until(lambda: scene.answered >= 14)
    scene.hang.write_text(FOR_EVER)
    left = scene.finish(command)
    assert left.state == ("complete", None)
    assert command.said.count("which begins anew") == 3
    with StudyStore(storage) as store:
        rows = [each for each in store.candidates(store.study(NAME)) if each.kind == "trial"]
    (failed,) = [each for each in rows if each.digest == scene.hang.read_text()]
    assert (failed.state, failed.failure) == ("failed", "engine died")
    assert failed.reason == "workers died or hung while they measured it, again and again"
    assert [each.state for each in rows if each != failed] == ["complete"] * (TRIALS - 1)


def test_one_that_was_asked_to_end_while_its_engine_hung_does_not_begin_anew(
    make_scene: MakeScene, some_storage: str
) -> None:
    """The main thread hears no signal in a call that never returns."""
    scene = make_scene(some_storage, TRIALS, seconds=0.05, trial_minutes=DEADLINE_MIN)
    scene.hang.write_text(DEAF)
    command = scene.start()
    wait_until(lambda: not scene.hang.exists())
    command.send(signal.SIGTERM)
    assert command.end(60) == 128 + signal.SIGTERM, command.said
    assert "not begun anew, for SIGTERM asked it to end" in command.said
