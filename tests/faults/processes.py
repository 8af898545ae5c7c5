"""Commands in processes of their own, which may be killed: forked from one that has imported everything.

A command that is started anew imports for seconds; forked, it is there at once, so that tests can afford to
kill many. What a command starts itself is started as ever.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

REPO = Path(__file__).parents[2]
HOOKED = Path(__file__).parent / "hooked"
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.imported"])


class Forked:
    """A function that runs in a process of its own; what it prints is in its log."""

    def __init__(self, log: Path, function: Callable[..., None], *arguments: object) -> None:
        self.log = log
        self.process = _CONTEXT.Process(target=_logged, args=(str(log), function, *arguments))
        self.process.start()
        assert self.process.pid is not None
        self.pid: int = self.process.pid

    @property
    def running(self) -> bool:
        return self.process.exitcode is None

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def send(self, signum: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.running:
            os.kill(self.pid, signum)

    def end(self, timeout: float = 240.0) -> int:
        """Wait for its end; returns its exit code, negative for a signal's."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"it hangs: {self.said[-2000:]}"
        return self.process.exitcode


def _logged(log: str, function: Callable[..., None], *arguments: object) -> None:
    from evaluators.engines.lifeline import die_with_parent

    die_with_parent()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(Path(log).parent)
    function(*arguments)


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
