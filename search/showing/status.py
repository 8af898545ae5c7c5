"""`crucible status`: the studies of a store, and what each is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.store import StudyStore
from studies.store.lease import is_running
from studies.store.rows import AT_WORK


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

    def to_json(self) -> dict[str, Any]:
        """As `crucible status --json` prints it."""
        times = {"created_at": self.created_at.isoformat(), "updated_at": self.updated_at.isoformat()}
        return {**vars(self), **times}


def list_studies(url: str, name: str | None = None) -> list[StudyLine]:
    """The studies of a store, or the one of that name.

    A study whose process is gone, killed without a chance to say so, counts as stopped.

    Raises:
        StudiesError: the store cannot be opened, or has no such study.
    """
    with StudyStore(url, create=False) as store:
        if name is not None:
            store.study(name)
        lines = []
        for each in store.studies():
            if name not in (None, each.name):
                continue
            state, reason = each.state, each.reason
            if state in AT_WORK and not is_running(store, each.name):
                state, reason = "stopped", "its process ended without a word; the same command continues it"
            lines.append(
                StudyLine(
                    each.name, state, each.trials, each.failed, each.created_at, each.updated_at, reason
                )
            )
        return lines
