"""Whatever becomes of an engine's process is noticed, and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.engines.process import EngineProcess
from evaluators.errors import EngineDied, EngineError

CHILD = "tests.evaluators.engines.odd_child"
REPO = Path(__file__).parents[3]


@pytest.fixture
def process() -> Iterator[EngineProcess]:
    process = EngineProcess(CHILD, {})
    yield process
    process.kill()


def gone(pid: int, within: float = 60) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_it_answers_one_request_after_another(process: EngineProcess) -> None:
    assert process.ask("echo", 1, "two", patience=60) == (1, "two")
    assert process.ask("echo", patience=60) == ()
    assert process.alive


def test_slow_is_not_stuck_as_long_as_it_says_so(process: EngineProcess) -> None:
    process.ask("echo", patience=60)
    assert process.ask("slowly", patience=1.1) == "at last"


def test_one_that_is_silent_for_too_long_is_killed(process: EngineProcess) -> None:
    process.ask("echo", patience=60)
    with pytest.raises(EngineDied, match="no sign of life for 0 s"):
        process.ask("hang", patience=0.2)
    assert not process.alive
    assert gone(process.pid)


def test_one_that_dies_is_reported_with_its_status_and_last_line(process: EngineProcess) -> None:
    with pytest.raises(EngineDied, match=r"died \(status 3: out of memory\)"):
        process.ask("fail", patience=60)
    assert not process.alive


def test_one_that_is_killed_is_reported_with_the_signal(process: EngineProcess) -> None:
    process.ask("echo", patience=60)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match="signal SIGKILL"):
        process.ask("echo", patience=60)


def test_a_refusal_leaves_it_running_and_a_breakdown_does_not(process: EngineProcess) -> None:
    with pytest.raises(EngineError, match="as told"):
        process.ask("refused", patience=60)
    assert process.ask("echo", patience=60) == ()
    with pytest.raises(EngineDied, match="broken as told"):
        process.ask("broken", patience=60)
    assert not process.alive


def test_it_does_not_outlive_the_process_that_started_it() -> None:
    program = (
        "from evaluators.engines.process import EngineProcess\n"
        f"process = EngineProcess({CHILD!r}, {{}})\n"
        "process.ask('echo', patience=60)\n"
        "print(process.pid, flush=True)\n"
        "process.ask('hang', patience=60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPO, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert parent.stdout is not None
    with parent:
        child = int(parent.stdout.readline())
        parent.kill()
    assert gone(child)
