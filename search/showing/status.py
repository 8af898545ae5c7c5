"""`crucible status`: the studies of a store, and what each is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.store import StudyStore
from studies.store.lease import is_running
from studies.store.rows import AT_WORK, StudySummary
from studies.trials import notes_of
from studies.verdicts.savings import Savings, savings
from studies.workers.register import living
from studies.workers.wishes import asked
from studies.workers.worker import Worker


@dataclass(frozen=True)
class WorkerLine:
    """One worker of a study as `crucible status` shows it; times are UTC."""

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


@dataclass(frozen=True)
class StudyLine:
    """One study as `crucible status` shows it; times are UTC."""

    name: str
    state: str
    trials: int
    failed: int
    created_at: datetime
    updated_at: datetime
    reason: str | None
    sampler: str | None = None
    """What `auto` chose, and why; None where the study file names a sampler, or nothing was proposed yet."""
    pruned: int = 0
    """Of the trials, those that were stopped early."""
    racing: Savings | None = None
    """What that saved; None for a study that is not raced."""
    asked: str | None = None
    """What its workers are asked: to pause, or to stop."""
    workers: tuple[WorkerLine, ...] = ()
    """Those that work on it just now."""

    def to_json(self) -> dict[str, Any]:
        """As `crucible status --json` prints it."""
        times = {"created_at": self.created_at.isoformat(), "updated_at": self.updated_at.isoformat()}
        racing = None if self.racing is None else {**vars(self.racing), "share": round(self.racing.share, 4)}
        workers = [each.to_json() for each in self.workers]
        return {**vars(self), **times, "racing": racing, "workers": workers}


def _line(store: StudyStore, each: StudySummary) -> StudyLine:
    state, reason = each.state, each.reason
    if state in AT_WORK and not is_running(store, each.name):
        state, reason = "stopped", "its process ended without a word; the same command continues it"
    return StudyLine(
        name=each.name,
        state=state,
        trials=each.trials,
        failed=each.failed,
        sampler=notes_of(store.engine, each.name).get("sampler"),
        pruned=each.pruned,
        racing=savings(store, each.id),
        created_at=each.created_at,
        updated_at=each.updated_at,
        reason=reason,
        asked=asked(store, each.id),
        workers=tuple(map(_worker, living(store, each.id))),
    )


def _worker(worker: Worker) -> WorkerLine:
    stats = {name: float(value) for name, value in worker.stats.items() if isinstance(value, int | float)}
    alive = stats.get("alive_s", 0.0)
    busy = stats.get("busy_s", 0.0) / alive if alive else None
    gpus = worker.place.get("gpus")
    return WorkerLine(
        host=worker.host,
        pid=worker.pid,
        gpus=tuple(map(str, gpus)) if isinstance(gpus, list) else (),
        doing=worker.doing or None,
        joined_at=worker.joined_at,
        heard_at=worker.updated_at or worker.joined_at,
        busy=busy,
        tokens_per_second=stats.get("tokens", 0.0) / alive if alive else None,
    )


def list_studies(url: str, name: str | None = None) -> list[StudyLine]:
    """The studies of a store, or the one of that name.

    A study whose process is gone, killed without a chance to say so, counts as stopped.

    Raises:
        StudiesError: the store cannot be opened, or has no such study.
    """
    with StudyStore(url, create=False, patience=0.0) as store:
        if name is not None:
            store.study(name)
        return [_line(store, each) for each in store.studies() if name in (None, each.name)]
