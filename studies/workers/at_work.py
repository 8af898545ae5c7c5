"""Who works on a study just now, as people and scripts are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.store import StudyStore
from studies.store.lease import is_running
from studies.store.rows import AT_WORK, StudyState, StudySummary
from studies.workers.register import living
from studies.workers.worker import Worker


@dataclass(frozen=True)
class AtWork:
    """A worker that works on a study just now; times are UTC."""

    host: str
    pid: int
    gpus: tuple[str, ...]
    doing: str | None
    joined_at: datetime
    heard_at: datetime
    busy: float | None
    """The share of its time in which its engine answered."""
    tokens_per_second: float | None

    def to_json(self) -> dict[str, Any]:
        """As `crucible status --json` prints it, under `workers`."""
        times = {"joined_at": self.joined_at.isoformat(), "heard_at": self.heard_at.isoformat()}
        return {**vars(self), "gpus": list(self.gpus), **times}


def at_work(store: StudyStore, study: int) -> tuple[AtWork, ...]:
    """The workers of a study that live."""
    return tuple(map(_told, living(store, study)))


def state_of(store: StudyStore, study: StudySummary) -> tuple[StudyState, str | None]:
    """A study's state and why: one whose process is gone, killed without a chance to say so, has stopped."""
    if study.state in AT_WORK and not is_running(store, study.name):
        return "stopped", "its process ended without a word; the same command continues it"
    return study.state, study.reason


def _told(worker: Worker) -> AtWork:
    stats = {name: float(value) for name, value in worker.stats.items() if isinstance(value, int | float)}
    alive, gpus = stats.get("alive_s", 0.0), worker.place.get("gpus")
    return AtWork(
        host=worker.host,
        pid=worker.pid,
        gpus=tuple(map(str, gpus)) if isinstance(gpus, list) else (),
        doing=worker.doing or None,
        joined_at=worker.joined_at,
        heard_at=worker.updated_at or worker.joined_at,
        busy=stats.get("busy_s", 0.0) / alive if alive else None,
        tokens_per_second=stats.get("tokens", 0.0) / alive if alive else None,
    )
