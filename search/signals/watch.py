"""Looks at a study from beside its run, and tells a webhook when it stalls and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from search.running.ending import outcome_of
from search.signals.event import Event, Kind
from search.signals.stall import Stillness
from search.signals.webhook import Webhook
from studies.errors import StudiesError
from studies.store import StudyStore
from studies.store.rows import AT_WORK, StudySummary
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from studies.workers.counts import Evidence, evidence_so_far
from studies.workers.register import living
from studies.workers.wishes import asked

EVERY_S = 60.0
"""Seconds between looks; each counts the study's evidence."""


@dataclass(frozen=True)
class Seen:
    """A study as the database knows it now."""

    summary: StudySummary
    evidence: Evidence
    workers: int
    """At work."""
    paused: bool


@dataclass
class Began:
    """What the study was when the watch began."""

    looked: bool = False
    said_at: datetime | None = None
    """When its state was said; None where there was no study."""

    def look(self, seen: Seen | None) -> None:
        """Remember it."""
        self.looked, self.said_at = True, None if seen is None else seen.summary.updated_at

    def is_past(self, seen: Seen | None) -> bool:
        """Whether the study's state was said since then."""
        return self.looked and seen is not None and seen.summary.updated_at != self.said_at


class Outcome(NamedTuple):
    """How a study ended."""

    kind: Kind
    state: str
    reason: str | None


@contextmanager
def watching(
    webhook: Webhook, url: str, study: str, *, stalls_after_s: float, every_s: float = EVERY_S
) -> Iterator[None]:
    """Tell the webhook when the study stalls while the block runs, and how it ended after it.

    Stalled: no new evidence for `stalls_after_s`, with workers at work that nobody has paused; told once,
    until there is evidence again. Everything happens in other threads, so that a database or a receiver that
    hangs costs the run nothing but the webhook's farewell at its end.
    """
    over, began = threading.Event(), Began()
    every = min(every_s, stalls_after_s / 4)
    look = partial(_watch, webhook, url, study, Stillness(stalls_after_s), over, every, began)
    with closing(webhook):
        threading.Thread(target=look, name="crucible watch", daemon=True).start()
        error: BaseException | None = None
        try:
            yield
        except BaseException as caught:
            error = caught
            raise
        finally:
            over.set()
            webhook.tell(partial(_end, url, study, error, began))


def see(url: str, study: str) -> Seen | None:
    """What the database says of a study now; None if it does not answer, or knows none of that name."""
    try:
        with StudyStore(url, create=False, patience=0) as store:
            found = next((each for each in store.studies() if each.name == study), None)
            if found is None:
                return None
            workers, paused = len(living(store, found.id)), asked(store, found.id) == "pause"
            return Seen(found, evidence_so_far(store, found.id), workers, paused)
    except StudiesError:
        return None


def ended(
    seen: Seen | None, study: str, error: BaseException | None, now: datetime, *, fresh: bool = True
) -> Event | None:
    """What to tell of a study whose run is over, after an error or without; None where others go on.

    `fresh`: the study's state is not older than the run.
    """
    outcome = _outcome(seen, error, fresh=fresh)
    if outcome is None:
        return None
    # What the database says is one event, whoever tells of it; what befell this process is its own.
    shared = seen is not None and (error is None or outcome.state == seen.summary.state)
    mark = seen.summary.updated_at if seen is not None and shared else now
    event = Event(outcome.kind, study, outcome.state, now, mark.isoformat(), outcome.reason)
    return event if seen is None else _counted(event, seen)


def stalled(seen: Seen, stillness: Stillness, now: datetime) -> Event:
    """The event of a study that stands still."""
    minutes = round(stillness.still_s / 60)
    reason = f"no evidence for {minutes} min, with workers at work ({seen.workers})"
    state = seen.summary.state
    return _counted(Event("stalled", seen.summary.name, state, now, repr(seen.evidence), reason), seen)


def _outcome(seen: Seen | None, error: BaseException | None, *, fresh: bool) -> Outcome | None:
    """How the study ended, by what the database and the process know of it."""
    state = None if seen is None else seen.summary.state
    others = seen is not None and seen.workers > 0 and state in AT_WORK
    if seen is not None and state not in AT_WORK and (error is None or fresh):
        return Outcome("failed" if state == "failed" else "ended", seen.summary.state, seen.summary.reason)
    if isinstance(error, Exception) and outcome_of(error)[0] == "failed":
        return Outcome("failed", str(state) if others else "failed", outcome_of(error)[1])
    if others:
        return None
    if error is not None:
        return Outcome("ended", "stopped", outcome_of(error)[1])
    if seen is None:
        return Outcome("ended", "unknown", "the database did not answer")
    return Outcome("ended", "stopped", "its last worker has ended")


def _counted(event: Event, seen: Seen) -> Event:
    return replace(event, trials=seen.summary.trials, failed=seen.summary.failed, workers=seen.workers)


def _watch(
    webhook: Webhook,
    url: str,
    study: str,
    stillness: Stillness,
    over: threading.Event,
    every_s: float,
    began: Began,
) -> None:
    began.look(see(url, study))
    while not over.wait(every_s):
        seen = see(url, study)
        if seen is None:
            stillness.miss()
        elif stillness.see(seen.evidence, time.monotonic(), at_work=seen.workers > 0 and not seen.paused):
            webhook.tell(partial(stalled, seen, replace(stillness), _utc()))


def _end(url: str, study: str, error: BaseException | None, began: Began) -> Event | None:
    seen = see(url, study)
    event = ended(seen, study, error, _utc(), fresh=began.is_past(seen))
    if event is None or event.state != "complete":
        return event
    return replace(event, conclusion=_conclusion(url, study))


def _conclusion(url: str, study: str) -> str | None:
    try:
        with StudyStore(url, create=False, patience=0) as store:
            return conclusion(build_leaderboard(store, study))
    except StudiesError:
        return None  # the event is worth telling without it


def _utc() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
