"""Commands in processes of their own, which may be killed: forked from one that has imported everything.

A command that is started anew imports for seconds; forked, it is there at once, so that tests can afford to
start many. What a command starts itself is started as ever. What a test says of imports, of the seed of
Python's hashes or of what libraries print while they are imported needs a process that is started anew.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import count
from multiprocessing import get_context
from pathlib import Path

REPO = Path(__file__).parents[1]
_NUMBERS = count()
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.imported"])


class Forked:
    """A function that runs in a process of its own; what it prints is in its log.

    Where `errors` names another file, standard error is there.
    """

    def __init__(
        self, log: Path, function: Callable[..., None], *arguments: object, errors: Path | None = None
    ) -> None:
        self.log = log
        logs = (str(log), str(errors or log))
        self.process = _CONTEXT.Process(target=_logged, args=(logs, function, *arguments))
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


class Command:
    """A `crucible` command that is forked in a folder, and used as a `subprocess.Popen` is."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        number = next(_NUMBERS)
        self._out, self._err = (folder / f".{name}-{number}" for name in ("out", "err"))
        environment, words = {**os.environ, "PYTHONPATH": str(REPO)}, [*map(str, arguments)]
        self._forked = Forked(self._out, _crucible, environment, words, errors=self._err)
        self.pid = self._forked.pid

    @property
    def returncode(self) -> int | None:
        return self._forked.process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises subprocess.TimeoutExpired."""
        self._forked.process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("crucible", timeout or 0.0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; returns what it said on standard output and on standard error."""
        self.wait(timeout)
        return self._out.read_text(), self._err.read_text()

    def send_signal(self, signum: signal.Signals) -> None:
        self._forked.send(signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _logged(logs: tuple[str, str], function: Callable[..., None], *arguments: object) -> None:
    from evaluators.engines.lifeline import die_with_parent

    die_with_parent()
    for descriptor, log in enumerate(logs, start=1):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), descriptor)
    os.chdir(Path(logs[0]).parent)
    function(*arguments)


def _crucible(environment: Mapping[str, str], arguments: list[str]) -> None:
    from search import cli

    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["crucible", *arguments]
    cli.main()
