"""Studies as the service shows them: what the store says of each, and how it stands in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from search.serving.refusals import Refused
from search.serving.service import Service
from search.showing.status import StudyLine, list_studies
from studies.store.rows import AT_WORK
from studies.workers.submissions import Submission, submissions


class StudyView(BaseModel):
    """A study; times are UTC."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: str
    """queued, starting, searching, judging, paused, complete, stopped or failed; a fusion has others."""
    reason: str | None = None
    """Why it is in this state."""
    trials: int = 0
    """Those that are complete, or were stopped early."""
    pruned: int = 0
    """Of these, those that were stopped early: they have an estimate and no score."""
    racing: dict[str, Any] | None = None
    """What that saved, as `crucible status --json` shows it; null for a study that is not raced."""
    failed: int = 0
    """Trials without a score."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    submitted_at: datetime | None = None
    options: dict[str, Any] | None = None
    """How it was submitted to be run; null for a study that this service did not start."""
    workers: list[dict[str, Any]] = []
    """Those that work on it just now, as `crucible status --json` shows them."""
    ahead: int | None = None
    """Of a queued one: how many studies are queued before it."""


def view_of(service: Service, name: str) -> StudyView:
    """One study; refuses a name that there is not."""
    found = [each for each in views(service) if each.name == name]
    if not found:
        raise Refused(404, "no study of that name; GET /studies lists all")
    return found[0]


def views(service: Service) -> list[StudyView]:
    """Every study that has begun, in the order in which they did, and then those that wait."""
    lines = {each.name: each for each in list_studies(service.settings.storage)}
    submitted = {each.name: each for each in submissions(service.store)}
    queued = [name for name, each in submitted.items() if each.state == "queued"]
    names = [*lines, *(name for name in submitted if name not in lines)]
    return [_view(service, name, lines.get(name), submitted.get(name), queued) for name in names]


def _view(
    service: Service, name: str, line: StudyLine | None, submitted: Submission | None, queued: Sequence[str]
) -> StudyView:
    state, reason = _state(line, submitted)
    return StudyView(
        name=name,
        state=state,
        reason=None if reason is None else service.discretion(reason),
        trials=line.trials if line else 0,
        pruned=line.pruned if line else 0,
        racing=line.to_json()["racing"] if line else None,
        failed=line.failed if line else 0,
        created_at=_utc(line.created_at) if line else None,
        updated_at=_utc(line.updated_at) if line else None,
        submitted_at=_utc(submitted.submitted_at) if submitted else None,
        options=dict(submitted.options) if submitted else None,
        workers=[each.to_json() for each in line.workers] if line else [],
        ahead=queued.index(name) if name in queued else None,
    )


def _utc(time: datetime) -> datetime:
    """With the zone that the store's times are in: a schema's date-time says its own."""
    return time.replace(tzinfo=UTC)


def _state(line: StudyLine | None, submitted: Submission | None) -> tuple[str, str | None]:
    """The state of a study, and why; a submission knows more of one that is not at work."""
    at_work = line is not None and line.state in AT_WORK
    waits = submitted is not None and submitted.state == "queued"
    if line is not None and (at_work or waits) and line.asked == "pause":
        return "paused", "until it is resumed"
    if line is not None and at_work:
        return line.state, line.reason
    if submitted is not None and submitted.state in ("queued", "failed"):
        return submitted.state, submitted.reason
    if submitted is not None and submitted.state == "running":
        return "starting", None
    if line is not None:
        return line.state, line.reason
    assert submitted is not None, "a view is of something"
    return submitted.state, submitted.reason
