"""The host's hold on one warm sandbox: starts it, hands it cases, ends it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any

from evaluators.errors import EngineError
from evaluators.sandbox.inside.child import HEADER
from evaluators.sandbox.inside.wire import ClosedError, receive, send
from evaluators.sandbox.ways import Way

START_SECONDS = 30.0
GRACE_SECONDS = 60.0
"""What a sandbox may take beyond a program's own time before it counts as broken."""


class Keeper:
    """One sandbox, for one case at a time."""

    def __init__(self, way: Way) -> None:
        """Start it. Raises EngineError where it does not come up."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._control, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    way.command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    env={"PYTHONHASHSEED": "0"},
                    cwd="/",
                    start_new_session=True,
                    user=way.user,
                    group=way.user,
                    extra_groups=None if way.user is None else [],
                )
            except OSError as error:
                self._control.close()
                self._errors.close()
                raise EngineError(f"the sandbox cannot be started: {error}") from error
        self._control.settimeout(START_SECONDS)
        if self._heard() != "ready":
            raise self._broken("said something else than that it is ready")

    def run(self, definitions: str, order: Mapping[str, Any], seconds: float) -> str:
        """Why the case failed, "" if it passed. Raises EngineError where that cannot be known."""
        self._control.settimeout(seconds + GRACE_SECONDS)
        link, theirs = socket.socketpair()
        with link:
            link.settimeout(seconds + GRACE_SECONDS)
            with theirs:
                self._hand_over(seconds, theirs)
            with contextlib.suppress(ClosedError):  # Whoever should read it may have been killed already.
                send(link, definitions)
                send(link, order)
            ended = self._heard()
            said = list(_said(link))
        kind, *reason = said[-1] if said else ("broken", ended)
        if kind == "broken":
            raise EngineError(f"the sandbox cannot judge a program: {reason[0]}")
        if kind == "verdict":
            return str(reason[0])
        return "killed" if ended == "done" else ended

    def close(self) -> None:
        """End it: its first process leaves when nobody holds the other side, and takes all others along."""
        self._control.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _hand_over(self, seconds: float, link: socket.socket) -> None:
        try:
            socket.send_fds(self._control, [HEADER.pack(seconds)], [link.fileno()])
        except OSError as error:
            raise self._broken(str(error)) from error

    def _heard(self) -> str:
        try:
            return str(receive(self._control))
        except ClosedError as error:
            raise self._broken(str(error)) from None

    def _broken(self, how: str) -> EngineError:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        status = self._process.returncode
        self.close()
        return EngineError(f"the sandbox broke: {last or f'{how} (status {status})'}")


def _said(link: socket.socket) -> Any:
    with contextlib.suppress(ClosedError):
        while True:
            yield receive(link)
