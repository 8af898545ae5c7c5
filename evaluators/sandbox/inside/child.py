"""The inside of a sandbox: a warm process that forks two new ones for each case, and clears away after it.

It starts as a script of its own, with nothing of ours in memory but the modules beside it, walls itself in
(unless bubblewrap did) and stays as process 1 of the sandbox. Per case, its standard input, a socket, brings
a header and a socket of the case's own, on which the texts come: they never pass through this process, so
that no program can find another's text, or its own tests, in the memory that it inherits.

    host ─ header, socket ─► this, process 1 ─ forks ─► the tests' process ─ forks ─► the program process
    host ◄─ "done", "timeout", … ─ this                host ◄─ verdict ─ the tests' process
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import Any, NoReturn

from evaluators.sandbox.inside import jail
from evaluators.sandbox.inside.program import MEMORY_BYTES, TASKS, be_the_program, confine
from evaluators.sandbox.inside.tests import Program, Unsendable, judge
from evaluators.sandbox.inside.walls import close_case, close_sandbox
from evaluators.sandbox.inside.wire import receive, send

HEADER = struct.Struct("!d")
GLANCE_SECONDS = 0.02
SETUP_SECONDS = 30.0
TREE_BYTES = MEMORY_BYTES + (MEMORY_BYTES >> 2)
LOWEST_RANK = 19
MOST_TEXT_BYTES = 1 << 26


def main() -> None:
    """Wall this process in as its argument says (JSON); keep cases until the host closes the socket."""
    if walls := json.loads(sys.argv[1]):
        try:
            close_sandbox(walls)
        except OSError as error:
            sys.exit(str(error))
    os.environ.clear()
    jail.be_first_to_die(500)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    del sys.path[0]
    _warm_up()
    host = socket.socket(fileno=0)
    send(host, "ready")
    while header := _header(host):
        _keep(host, *header)


def _header(host: socket.socket) -> tuple[float, socket.socket] | None:
    body, files, _, _ = socket.recv_fds(host, HEADER.size, 1)
    if not body:
        return None
    (seconds,) = HEADER.unpack(body)
    return seconds, socket.socket(fileno=files[0])


def _keep(host: socket.socket, seconds: float, link: socket.socket) -> None:
    closed_in, setting_up = os.pipe()  # Its other end closes when both processes of the case are closed in.
    pid = os.fork()
    if pid == 0:
        _be_the_tests(link, seconds)
    link.close()
    os.close(setting_up)
    ended = _watch(pid, host, closed_in, seconds)
    os.close(closed_in)
    _sweep()
    send(host, ended)


def _watch(pid: int, host: socket.socket, closed_in: int, seconds: float) -> str:
    """Wait for the case to end by itself or at a limit of the whole. Its time starts when it is closed in."""
    deadline = time.monotonic() + SETUP_SECONDS
    case = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(case, select.POLLIN)
    poll.register(host, select.POLLIN)
    poll.register(closed_in, select.POLLIN)
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = [file for file, _ in poll.poll(1000 * min(left, GLANCE_SECONDS))]
            if host.fileno() in ready:  # Nothing is due from there: the host is gone.
                sys.exit()
            if case in ready:
                return "done"
            if closed_in in ready:
                poll.unregister(closed_in)
                deadline = time.monotonic() + seconds
            if excess := _excess():
                return excess
        return "timeout"
    finally:
        os.close(case)


def _excess() -> str:
    """What the case has too much of, all processes together. Those that multiply rank behind all else."""
    pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"]
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # It ended meanwhile.
            with open(f"/proc/{pid}/statm") as file:
                pages += int(file.read().split()[1])
            if len(pids) > 2:
                os.setpriority(os.PRIO_PROCESS, int(pid), LOWEST_RANK)
    if len(pids) > TASKS:  # The kernel sees to that, but not for a root that cannot become nobody.
        return "processes"
    return "memory" if pages * os.sysconf("SC_PAGE_SIZE") > TREE_BYTES else ""


def _sweep() -> None:
    """Kill everything else in this sandbox and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _be_the_tests(link: socket.socket, seconds: float) -> NoReturn:
    """Never returns. The program is forked off before the tests are read, so that it never has them."""

    def verdict(reason: str) -> NoReturn:
        say(["verdict", reason])

    def say(message: list[str]) -> NoReturn:
        try:
            send(link, message)
        finally:
            os._exit(0)

    try:
        try:
            program = _start_program(link, seconds, verdict)
            order: dict[str, Any] = receive(link, MOST_TEXT_BYTES)
            send(link, ["ready"])
        except Exception as error:
            say(["broken", f"{type(error).__name__}: {error}"])
        try:
            verdict(judge(program, order))
        except Unsendable as error:
            say(["broken", str(error)])
    finally:
        os._exit(1)


def _start_program(link: socket.socket, seconds: float, verdict: Any) -> Program:
    definitions = receive(link, MOST_TEXT_BYTES)
    ours, theirs = socket.socketpair()
    close_case()
    pid = os.fork()
    if pid == 0:
        be_the_program(theirs, definitions, seconds)
    confine({link.fileno(), ours.fileno()}, seconds)
    jail.be_dumpable(False)
    program = Program(ours, pid, verdict)
    program.ready()
    return program


def _warm_up() -> None:
    """Have what most programs need, and what `compile` makes at first; keep the collector off all that."""
    for name in ("collections", "copy", "datetime", "functools", "hashlib", "heapq", "itertools", "math"):
        __import__(name)
    for name in ("operator", "random", "re", "string", "typing", "bisect", "statistics", "encodings.idna"):
        __import__(name)
    compile("", "", "exec")
    gc.collect()
    gc.freeze()
