"""Time that counts for nobody, and another process in the place of one whose engine hangs."""

from __future__ import annotations

import time
from threading import Event

import pytest

from evaluators.engines.deadline import Deadline
from evaluators.errors import DeadlinePassed
from tests.evaluators.engines.test_deadline import run


class Killed:
    """An engine in a process of its own, and whether that was killed."""

    def __init__(self) -> None:
        self.killed = Event()

    def kill(self) -> None:
        self.killed.set()


def test_what_is_excused_does_not_count() -> None:
    engine, away = Killed(), 100.0
    began = time.monotonic()
    with Deadline(1.2, engine, excused=lambda: away) as deadline:
        time.sleep(0.9)
        away += 1.5
        assert deadline.took < 0
        time.sleep(1.2)
        deadline.check()
        assert not engine.killed.is_set()
        assert engine.killed.wait(60)
        assert time.monotonic() - began >= 2.7
        with pytest.raises(DeadlinePassed):
            deadline.check()


ANEW = """
import os, time
from evaluators.engines.deadline import Deadline

def anew():
    print("anew", flush=True)
    {then}

with Deadline(0.2, object(), anew=anew):
    time.sleep(600)
"""


def test_another_process_is_put_in_its_place() -> None:
    done = run(ANEW.format(then='os.execv("/bin/sh", ["sh", "-c", "echo another; exit 5"])'))
    assert (done.returncode, done.stdout) == (5, "anew\nanother\n")
    assert "hung beyond its 0.2 seconds; the engine is in this process, which begins anew" in done.stderr


def test_where_that_cannot_be_done_the_process_ends() -> None:
    done = run(ANEW.format(then="pass"))
    assert (done.returncode, done.stdout) == (75, "anew\n")
    assert "run the same command to go on" in done.stderr
