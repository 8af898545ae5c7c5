"""Parts run one after another, each in a process of its own: what one breaks or hangs ends with it.

A part that is done early leaves its time to those that follow. Where its share is over it is told to begin
nothing more; a little later it is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.cold import REPO, cache_environment
from benchmarks.gpu.part import Row
from benchmarks.gpu.report import Part, status_of

_GRACE = 0.15
"""Of a part's share, kept for what it has begun."""


@dataclass(frozen=True)
class Plan:
    """A part to run: its module below `benchmarks.gpu`, and its seconds."""

    name: str
    what: str
    share: float


@dataclass(frozen=True)
class Place:
    """Where parts run: on which device, at which size, with which folder between them."""

    device: str
    small: bool
    work: Path
    log: Path


def run_part(plan: Plan, place: Place, share: float, tell: Callable[[Part], None]) -> Part:
    """Run a part to its end or the end of its share; `tell` hears of each row."""
    began = time.monotonic()
    part = Part(plan.name, plan.what, None, "", 0.0, round(share, 1))
    with _process(plan.name, place, share) as (process, connection):
        for row in _rows(process, connection, began + share):
            spent = round(time.monotonic() - began, 1)
            tell(part := replace(part, rows=(*part.rows, row), seconds=spent))
        ended = process.poll()
    status, reason = status_of(part.rows)
    if ended is None:
        status, reason = "failed", f"was ended: it did not come to an end within its {share:.0f} s"
    elif ended:
        status, reason = "failed", f"its process ended with status {ended}: {_last_words(place.log)}"
    return replace(part, status=status, reason=reason, seconds=round(time.monotonic() - began, 1))


@contextmanager
def _process(name: str, place: Place, share: float) -> Iterator[tuple[subprocess.Popen[bytes], Connection]]:
    """A part's process, in a group of its own that ends with the block."""
    ours, theirs = Pipe(duplex=False)
    until = time.time() + share * (1 - _GRACE)
    command = [sys.executable, "-m", "benchmarks.gpu.child", name, place.device, str(int(place.small))]
    command += [str(place.work), str(until), str(theirs.fileno()), str(os.getpid())]
    caches = {**cache_environment(place.work / "caches"), "TRITON_CACHE_DIR": str(place.work / "triton")}
    with place.log.open("ab") as log:
        log.write(f"== {name}\n".encode())
        log.flush()
        process = subprocess.Popen(
            command,
            cwd=REPO,
            env={**os.environ, **caches, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    theirs.close()
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        ours.close()


def _rows(process: subprocess.Popen[bytes], connection: Connection, end: float) -> Iterator[Row]:
    """What it hands over until it closes its side, and has ended; less if time is over first."""
    try:
        while connection.poll(max(0.0, end - time.monotonic())):
            yield connection.recv()
    except (EOFError, OSError):
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            return


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for models and caches (about 10 GB at full size), removed at the end."""
    with tempfile.TemporaryDirectory(prefix="crucible-gpu-") as folder:
        yield Path(folder)
