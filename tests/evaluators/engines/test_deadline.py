"""A candidate that takes too long is ended: between two batches, or with the engine that hangs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.engines.deadline import EXIT_CODE, Deadline
from evaluators.engines.process import EngineProcess
from evaluators.errors import DeadlinePassed, EngineDied
from tests.evaluators.engines.test_process import gone

REPO = Path(__file__).parents[3]


class Remote:
    """An engine in a process of its own, as far as deadlines know."""

    def __init__(self) -> None:
        self.process = EngineProcess("tests.evaluators.engines.odd_child", {})
        self.process.ask("echo", patience=60)

    def kill(self) -> None:
        self.process.end()


@pytest.fixture
def remote() -> Iterator[Remote]:
    remote = Remote()
    yield remote
    remote.process.kill()


def test_between_batches_it_says_that_it_has_passed(remote: Remote) -> None:
    with Deadline(0.3, remote) as deadline:
        deadline.check()
        time.sleep(0.35)
        with pytest.raises(DeadlinePassed, match=r"not measured within its 0\.3 seconds"):
            deadline.check()
    with Deadline(7200, remote) as deadline:
        deadline.check()
    with Deadline(float("inf"), remote) as deadline:
        deadline.check()


def test_an_engine_that_hangs_in_a_process_of_its_own_is_killed(remote: Remote) -> None:
    began = time.monotonic()
    with Deadline(0.5, remote) as deadline:
        with pytest.raises(EngineDied, match="signal SIGKILL"):
            remote.process.ask("hang", patience=300)
        with pytest.raises(DeadlinePassed):
            deadline.check()
    assert time.monotonic() - began < 30
    assert gone(remote.process.pid)


def test_one_that_was_in_time_is_left_alone(remote: Remote) -> None:
    with Deadline(0.3, remote):
        pass
    time.sleep(0.5)
    assert remote.process.ask("echo", 1, patience=60) == (1,)


HANGING = """
import time
from evaluators.engines.deadline import Deadline
with Deadline(0.4, object()):
    time.sleep({first})
    print("went on", flush=True)
    time.sleep({then})
"""


def test_a_process_that_cannot_stop_its_own_engine_ends_and_says_how_to_go_on() -> None:
    done = run(HANGING.format(first=0.5, then=600))
    assert (done.returncode, EXIT_CODE) == (75, 75)
    assert done.stdout == "went on\n", "it has as long again to come to the end of its batch"
    assert "hung beyond its 0.4 seconds" in done.stderr
    assert "run the same command to go on" in done.stderr


def test_one_that_comes_to_the_end_of_its_batch_lives_on() -> None:
    assert run(HANGING.format(first=0.5, then=0)).returncode == 0


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, timeout=120
    )
