"""One worker, as a row of the register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, select

from studies.errors import WorkerLost
from studies.store.identity import JSON
from studies.store.presence import Process
from studies.store.schema import workers

WorkerState = Literal["working", "ended", "lost"]


@dataclass(frozen=True)
class Worker:
    """One process that works, or worked, on one study; times are UTC, by the database's clock."""

    id: str
    study: int
    host: str
    boot: str
    pid: int
    started: str
    place: Mapping[str, JSON]
    """Where it computes: its GPUs, its node, whatever its starter said."""
    doing: str | None
    state: WorkerState
    """lost: it was taken for dead, and its work given to others."""
    stats: Mapping[str, JSON]
    """What it last said of its engine: tokens, busy seconds and the like."""
    joined_at: datetime
    beats: int
    """How often it said that it lives."""
    reason: str | None = None
    """Why it ended, or is taken for dead."""
    updated_at: datetime | None = None
    """When it was last heard of."""

    @property
    def process(self) -> Process:
        """The process that it is."""
        return Process(self.host, self.boot, self.pid, self.started)


def read_workers(connection: Connection, *which: ColumnElement[bool]) -> Iterator[Worker]:
    """The workers that a condition names, in the order in which they joined."""
    rows = connection.execute(select(workers).where(*which).order_by(workers.c.joined_at, workers.c.id))
    yield from map(_read, rows.all())


def check_working(connection: Connection, worker: Worker) -> None:
    """Raises WorkerLost if the worker was declared lost; nobody can do so before the transaction ends."""
    query = select(workers.c.state).where(workers.c.id == worker.id).with_for_update(read=True)
    state = connection.execute(query).scalar_one()
    if state == "lost":
        raise WorkerLost(
            f"worker {worker.id[:8]} on {worker.host} was not heard of for too long and taken for dead:"
            " others have its work now"
        )
    assert state == "working", f"worker {worker.id} is {state}"


def _read(row: Row[Any]) -> Worker:
    values = {name: value for name, value in row._mapping.items() if name != "study_id"}
    return Worker(study=row.study_id, **values)
