"""Which process a worker is, and whether that is still there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from studies.store.queries import utc_now
from studies.store.schema import workers

SILENCE = timedelta(minutes=2)
"""A worker elsewhere that has said nothing for so long is not shown as being at work."""


@dataclass(frozen=True)
class Process:
    """One process of one boot of one machine; its number alone is used again by others."""

    host: str
    boot: str
    """Of the machine, and of the container that numbers its processes; empty where that can't be told."""
    pid: int
    started: str
    """In clock ticks since the machine began; empty where that can't be told."""


def this_process() -> Process:
    """The process that asks."""
    return Process(socket.gethostname(), _boot(), os.getpid(), _started(os.getpid()))


def is_here(process: Process) -> bool:
    """Whether it can be looked for from here: on the same boot, among the same numbers."""
    return bool(process.boot) and (process.host, process.boot) == (socket.gethostname(), _boot())


def is_gone(process: Process) -> bool:
    """Whether a process that is here has ended for certain, also if another has its number now."""
    try:
        state, started = _state_and_start(process.pid)
    except OSError:
        return not _is_hidden(process.pid)
    # A zombie has ended, too: its parent has not asked how yet.
    return state in "ZX" or started != process.started


def is_worked_on(connection: Connection, study: int) -> bool:
    """Whether a study has workers now, for people to read: those elsewhere by when they were last heard of.

    By the database's clock, as `database_now` is what they wrote.
    """
    columns = (workers.c.host, workers.c.boot, workers.c.pid, workers.c.started, workers.c.updated_at)
    which = (workers.c.study_id == study, workers.c.state == "working")
    now = database_now(connection)
    for *row, heard in connection.execute(select(*columns).where(*which)):
        process = Process(*row)
        if not is_gone(process) if is_here(process) else now - heard < SILENCE:
            return True
    return False


def database_now(connection: Connection) -> datetime:
    """The time by the database's clock, which all workers share: UTC, without zone."""
    if connection.dialect.name == "sqlite":
        # This machine's clock, of which SQLite tells milliseconds only: two that join in one have no order.
        return utc_now()
    now: datetime = connection.execute(select(func.timezone("utc", func.clock_timestamp()))).scalar_one()
    return now


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Two containers of one machine may give two processes one number.
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    try:
        return _state_and_start(pid)[1]
    except OSError:
        return ""


def _state_and_start(pid: int) -> tuple[str, str]:
    """Of a process; raises OSError if there is none, or it is another user's and hidden."""
    # Its name, in brackets, may hold anything; its state is the third field, its start the 22nd.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[19]


def _is_hidden(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
