"""A process that answers requests over a pipe; the one that started it sees its death and its silence."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from evaluators.errors import EngineDied, EngineError, OutOfMemory

_QUOTED = 300
_DYING_S = 5.0


class EngineProcess:
    """A module's `main()` with one end of a pipe; it leads a process group of its own and dies with us."""

    def __init__(self, module: str, environment: Mapping[str, str], called: str = "the engine") -> None:
        """Start it, with what this process can import; errors say how it is called."""
        self._called = called
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as long as the process
        ours, theirs = Pipe()
        self._connection: Connection = ours
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    f"import {module}; {module}.main()",
                    str(theirs.fileno()),
                    str(os.getpid()),
                ],
                env={**os.environ, **environment, "PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for us; what it has started is killed with it
            )
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None and not self._connection.closed

    def ask(self, verb: str, *arguments: Any, patience: float) -> Any:
        """Have it do something; `patience` is how many seconds it may be silent.

        Raises:
            EngineError: it refused; it can be asked again.
            EngineDied, OutOfMemory: it is dead, or was silent for too long or broke and has been killed.
        """
        try:
            kind, result = self._converse(verb, arguments, patience)
            if kind == "broken":
                raise self._broken(result)
        except BaseException:  # whatever ends a conversation leaves half of it in the pipe
            self.kill()
            raise
        if kind == "refused":
            raise result
        return result

    def _converse(self, verb: str, arguments: tuple[Any, ...], patience: float) -> tuple[str, Any]:
        try:
            self._connection.send((verb, arguments))
            while self._connection.poll(patience):
                kind, result = self._connection.recv()
                if kind != "alive":
                    return kind, result
        except (EOFError, OSError) as error:
            raise EngineDied(f"{self._called}'s process died ({self._last_words()})") from error
        raise EngineDied(f"{self._called} gave no sign of life for {patience:.0f} s")

    def _broken(self, error: EngineError) -> EngineError:
        """The error, or what lay behind it: vLLM says of a GPU that was full that its own core died."""
        found = (line for line in self._last_lines() if "OutOfMemoryError" in line)
        return error if (line := next(found, None)) is None else OutOfMemory(line[:_QUOTED])

    def end(self) -> None:
        """Have it end, whatever it does, from any thread; who waits for its answer finds it dead."""
        if self.alive:
            self._kill_group()

    def kill(self) -> None:
        """End it and all that it has started; a second time is no error."""
        self._kill_group()
        self._process.wait()
        self._connection.close()
        self._said.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING_S)
        self._kill_group()  # what it has started, and itself if it closed the pipe but lives on
        status = self._process.wait()
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        lines = self._last_lines()
        return f"{how}: {lines[-1][:_QUOTED]}" if lines and status > 0 else how

    def _last_lines(self) -> list[str]:
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - 8192))
        return [line.strip() for line in self._said.read().decode(errors="replace").strip().splitlines()]
