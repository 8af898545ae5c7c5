"""A process that is asked: its death and its silence are seen, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluators.engine_process import EngineProcess
from evaluators.errors import EngineDied, EngineError

MODULE = "tests.evaluators.slow_process"
REPO = str(Path(__file__).parents[2])


@pytest.fixture
def process() -> Iterator[EngineProcess]:
    process = EngineProcess(MODULE, {})
    process.ask("hello", patience=60)
    yield process
    process.kill()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def comes(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true within ten seconds."""
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_it_answers_one_question_after_another(process: EngineProcess) -> None:
    assert process.ask("one", 1, patience=60) == (1,)
    assert process.ask("two", 1, 2, patience=60) == (1, 2)


def test_work_may_take_longer_than_the_patience_while_there_are_signs_of_life(process: EngineProcess) -> None:
    assert process.ask("work", 2.5, patience=2) == (2.5,)


def test_one_that_hangs_is_noticed_when_patience_ends_and_killed(process: EngineProcess) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(EngineDied, match="no sign of life for 1 s"):
        process.ask("hello", patience=1)
    assert not runs(process.pid)
    assert not process.alive


def test_one_that_was_killed_says_by_what(process: EngineProcess) -> None:
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match=r"died \(signal SIGKILL\)"):
        process.ask("hello", patience=60)


def test_one_that_ends_says_its_last_words(process: EngineProcess) -> None:
    with pytest.raises(EngineDied, match="status 3: it could not be"):
        process.ask("exit", patience=60)


def test_a_refusal_leaves_it_running_and_what_broke_does_not(process: EngineProcess) -> None:
    with pytest.raises(EngineError, match="not that one"):
        process.ask("refused", "not that one", patience=60)
    assert process.alive
    with pytest.raises(EngineDied, match="the engine broke: too much"):
        process.ask("broken", "too much", patience=60)
    assert not process.alive


def test_what_it_has_started_ends_with_it(process: EngineProcess) -> None:
    (child,) = process.ask("child", patience=60)
    assert runs(child)
    process.kill()
    assert comes(lambda: not runs(child))


def test_it_dies_with_the_process_that_started_it_however_that_ends() -> None:
    script = f"""
import sys, time
sys.path.insert(0, {REPO!r})
from evaluators.engine_process import EngineProcess
process = EngineProcess({MODULE!r}, {{}})
process.ask("hello", patience=60)
print(process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)
        parent.kill()
    assert comes(lambda: not runs(pid))
