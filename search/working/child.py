"""One worker process as its parent sees it: started, heard, restarted, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import IO

from search.running.anew import EARLIER

STORAGE = "CRUCIBLE_STORAGE"
"""How a worker is told its storage: a command line can be read by everybody, and passwords are in URLs."""
AT_ONCE = 75
"""Exit code of a worker whose engine hung in its process: it is to be started again, and not its fault."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 120.0
"""One that worked for so long was no failed start."""
MOST_STARTS = 5
"""Failed ones in a row."""


@dataclass
class Child:
    """A worker process, in its turns."""

    index: int
    command: Sequence[str]
    environment: Mapping[str, str]
    """What it has of its own; EARLIER is for one that is started again."""
    hear: Callable[[int, str], None]
    """Called, from a thread, with each line that it says on standard error."""
    process: subprocess.Popen[str] | None = None
    code: int | None = None
    """With which it ended for good; negative for a signal."""
    last: str = ""
    """What it said last."""
    failures: int = 0
    _started: bool = False
    _began: float = 0.0
    _again: float = 0.0
    _listener: Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, as the leader of a session of its own: Ctrl-C is for its parent."""
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._began = time.monotonic()
        own = {**os.environ, **self.environment, "PYTHONPATH": paths}
        if not self._started:
            own.pop(EARLIER, None)
        self._started = True
        self.process = subprocess.Popen(
            self.command,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self.process.stderr is not None
        self._listener = Thread(target=self._listen, args=(self.process.stderr,), daemon=True)
        self._listener.start()

    def look(self) -> bool:
        """Whether it is, or will be, at work; one that died is started again after a while."""
        if self.code is not None:
            return False
        if self.process is None:
            if time.monotonic() >= self._again:
                self.start()
            return True
        code = self.process.poll()
        if code is not None:
            self._ended(code)
        return self.code is None

    def end(self, signum: signal.Signals) -> None:
        """Tell it and all that it started to end."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if signum == signal.SIGKILL:
                    os.killpg(self.process.pid, signum)
                else:
                    self.process.send_signal(signum)

    def give_up(self) -> None:
        """Kill it for good, when nothing is left for it to do."""
        self.end(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.code = 0

    @property
    def stopped(self) -> bool:
        """Whether somebody has stopped it, by SIGSTOP, so that it hears of nothing."""
        if self.gone or self.process is None:
            return False
        how = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, how) is not None

    @property
    def gone(self) -> bool:
        """Whether it is not there just now."""
        return self.process is None or self.process.poll() is not None

    def _ended(self, code: int) -> None:
        if self._listener is not None:
            self._listener.join(1.0)
        if code in (0, 2, 128 + signal.SIGINT, 128 + signal.SIGTERM):
            self.code = code
            return
        steady = time.monotonic() - self._began >= STEADY_S
        self.failures = 1 if steady else self.failures + 1
        if code == AT_ONCE:
            self.failures = 0
        if self.failures > MOST_STARTS:
            self.code = code
            return
        pause = 0.0 if code == AT_ONCE else min(FIRST_PAUSE_S * 2 ** (self.failures - 1), LONGEST_PAUSE_S)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self.hear(self.index, f"ended ({how}); it is started again in {pause:.0f} s")
        self.process, self._again = None, time.monotonic() + pause

    def _listen(self, said: IO[str]) -> None:
        with said:
            for line in said:
                if line.strip():
                    self.last = line.rstrip()
                    self.hear(self.index, self.last)
