"""What runs on a cluster's node: an actor that starts one `crucible worker` process and watches it.

A process of its own, for Ray's workers keep what a library left behind, and an engine that brings its process
down shall not bring the actor down with it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import ray

from search.working.child import Child

LOOK_S = 0.1
STOPPED = 128 + signal.SIGTERM
NEED = "nodes need the same study file, items and models at the same paths"


class Actor:
    """One worker's keeper; every call returns soon, so that the next one is heard."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.child: Child | None = None
        self.stopping = False
        self.said: deque[str] = deque(maxlen=100)

    def begin(
        self, study: str, sha256: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> tuple[str, str | None]:
        """Start the worker; returns the node, and what is wrong with it, or None."""
        node = ray.util.get_node_ip_address()
        wrong = what_is_wrong(Path(study), sha256)
        if wrong is None:
            # The kernel ends a worker with the thread that started it: Ray calls this in the main one.
            own = [sys.executable, *command, "--parent", str(os.getpid())]
            self.child = Child(self.index, own, environment, lambda _, line: self.said.append(line))
            self.child.start()
        return node, wrong

    def watch(self, seconds: float) -> tuple[list[str], int | None]:
        """Wait so long; returns what the worker said, and the exit code with which it ended for good."""
        assert self.child is not None
        until = time.monotonic() + seconds
        while self._look(self.child) and time.monotonic() < until:
            time.sleep(LOOK_S)
        code = STOPPED if self.stopping and self.child.gone else self.child.code
        return [self.said.popleft() for _ in range(len(self.said))], code

    def stop(self) -> None:
        """Ask the worker to hand back what it works on, and to end."""
        self.stopping = True
        if self.child is not None:
            self.child.end(signal.SIGTERM)

    def _look(self, child: Child) -> bool:
        """Whether it is, or will be, at work; one that was stopped before it could say so comes not again."""
        return not child.gone if self.stopping else child.look()


def what_is_wrong(study: Path, sha256: str) -> str | None:
    """Why a worker of that study file cannot work here, if so."""
    try:
        same = hashlib.sha256(study.read_bytes()).hexdigest() == sha256
    except OSError as error:
        return f"{study} cannot be read there ({error.strerror}); {NEED}"
    return None if same else f"{study} is another file there; {NEED}"
