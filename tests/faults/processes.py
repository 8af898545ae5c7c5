"""Commands that may be killed, their engines listened to; and what is known of processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.forked import REPO, Forked

__all__ = ["REPO", "Forked"]

HOOKED = Path(__file__).parent / "hooked"


def crucible(environment: Mapping[str, str], *arguments: str) -> None:
    """A command in this process, its engine listened to; ends the process."""
    from search import cli
    from tests.faults.witness import listen

    os.environ.update(environment)
    sys.path.insert(0, str(HOOKED))  # what it starts is told where to import from
    listen()
    sys.argv = ["crucible", *arguments]
    # As if it had been started anew: by this it begins anew.
    sys.orig_argv = [sys.executable, "-m", "search", *arguments]
    os.environ["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    cli.main()


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did; Linux only."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return [*found, *(each for child in found for each in descendants(child))]


def command_line(pid: int) -> str:
    """What a process was started as; empty for one that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""


def kill(pid: int) -> bool:
    """SIGKILL; returns whether the process was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds: Callable[[], bool], timeout: float = 120.0, what: str = "") -> None:
    """Look every few milliseconds until it holds; raises AssertionError after the timeout."""
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end, f"waited {timeout:.0f} s in vain: {what or holds}"
        time.sleep(0.005)


@contextmanager
def ended(*commands: Forked) -> Iterator[None]:
    """Kill what still runs when the block ends, with all that it started."""
    try:
        yield
    finally:
        for command in commands:
            for pid in [command.pid, *descendants(command.pid)] if command.running else []:
                kill(pid)
            command.process.join(10)
