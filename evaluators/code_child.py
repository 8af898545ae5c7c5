"""The bare interpreter behind `code_runner`: forks one process a program and reports how each ended.

Standard input: {"programs": [...], "timeout_s": seconds, "jobs": at a time}. Standard output: one reason a
program, "" for passed. It runs as a script apart from our packages, for a forked program inherits all that is
here. Hash seed and random seed are fixed: a program that leans on them gets the same verdict every time.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import random
import resource
import secrets
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass

MEMORY_BYTES = 1 << 30
FILE_BYTES = 1 << 20
OPEN_FILES = 64
CANARY_SECONDS = 30.0
PR_SET_PDEATHSIG = 1


@dataclass
class Running:
    """A forked program: where it will speak, by when, and what it has to say to have passed."""

    index: int
    pid: int
    pipe: int
    deadline: float
    token: bytes
    folder: str


def main() -> None:
    """Read the order, run every program, write the reasons; dies if even an empty program would fail here."""
    order = json.load(sys.stdin.buffer)
    os.environ.clear()
    _die_with_parent()
    gc.freeze()  # Keeps the collector of every fork from touching, and so copying, our pages.
    (broken,) = run_all([""], CANARY_SECONDS, 1)
    if broken:
        sys.exit(f"an empty program fails on this machine: {broken}")
    json.dump(run_all(order["programs"], order["timeout_s"], order["jobs"]), sys.stdout)


def run_all(programs: list[str], timeout_s: float, jobs: int) -> list[str]:
    """The reason of each program, at most `jobs` of them running at a time."""
    reasons = [""] * len(programs)
    waiting = list(enumerate(programs))[::-1]
    running: dict[int, Running] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            started = start(*waiting.pop(), timeout_s)
            running[started.pipe] = started
        for ended in _ended(running):
            del running[ended.pipe]
            reasons[ended.index] = finish(ended)
    return reasons


def start(index: int, program: str, timeout_s: float) -> Running:
    """Fork a process that runs `program` in an empty folder."""
    read, write = os.pipe()
    token = secrets.token_bytes(16)
    folder = tempfile.mkdtemp(dir=".")
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _be_the_program(program, write, token, folder, timeout_s)
    os.close(write)
    os.set_blocking(read, False)
    return Running(index, pid, read, time.monotonic() + timeout_s, token, folder)


def finish(ended: Running) -> str:
    """Kill what is left of a program, clear up after it and say why it failed ("" if it passed)."""
    os.kill(ended.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(ended.pid, signal.SIGKILL)
    _, status = os.waitpid(ended.pid, 0)
    said = b""
    with contextlib.suppress(BlockingIOError):
        said = os.read(ended.pipe, 4096)
    os.close(ended.pipe)
    shutil.rmtree(ended.folder, ignore_errors=True)
    if said == ended.token:
        return ""
    if said:
        return said.decode(errors="replace")[:80]
    if time.monotonic() >= ended.deadline:
        return "timeout"
    return "killed" if os.WIFSIGNALED(status) else "exit"


def _ended(running: dict[int, Running]) -> list[Running]:
    """Waits until some program has spoken, has closed its pipe or has used up its time."""
    first = min(program.deadline for program in running.values())
    ready, _, _ = select.select(list(running), [], [], max(0.0, first - time.monotonic()))
    now = time.monotonic()
    return [program for pipe, program in running.items() if pipe in ready or now >= program.deadline]


def _be_the_program(program: str, write: int, token: bytes, folder: str, timeout_s: float) -> None:
    """Never returns. Says the token if `program` ran to its end, else the name of what it raised."""
    try:
        os.setsid()
        _die_with_parent()
        os.chdir(folder)
        _limit(timeout_s)
        _silence(write)
        random.seed(0)  # Here, because forking reseeds it.
        os.write(write, _said(program, token))
    finally:
        os._exit(0)


def _said(program: str, token: bytes) -> bytes:
    try:
        exec(compile(program, "program.py", "exec"), {"__name__": "__main__"})
    except BaseException as error:
        return type(error).__name__.encode()
    return token


def _limit(timeout_s: float) -> None:
    seconds = int(timeout_s) + 1
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),  # No further processes or threads; the system does not hold root to it.
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _silence(keep: int) -> None:
    """Point the standard streams nowhere and close every other file but `keep`."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.closerange(3, keep)
    os.closerange(keep + 1, 4096)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
