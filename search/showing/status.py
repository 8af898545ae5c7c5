"""`crucible status`: the studies of a store, and what each is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.store import StudyStore
from studies.store.rows import StudySummary
from studies.trials import notes_of
from studies.verdicts.savings import Savings, savings
from studies.workers.at_work import AtWork, at_work, state_of
from studies.workers.wishes import asked


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
    workers: tuple[AtWork, ...] = ()
    """Those that work on it just now."""

    def to_json(self) -> dict[str, Any]:
        """As `crucible status --json` prints it."""
        times = {"created_at": self.created_at.isoformat(), "updated_at": self.updated_at.isoformat()}
        racing = None if self.racing is None else {**vars(self.racing), "share": round(self.racing.share, 4)}
        workers = [each.to_json() for each in self.workers]
        return {**vars(self), **times, "racing": racing, "workers": workers}


def _line(store: StudyStore, each: StudySummary) -> StudyLine:
    state, reason = state_of(store, each)
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
        workers=at_work(store, each.id),
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
