"""The register of workers: each joins, beats while it works, and leaves; the others bury one that died.

A worker of this machine is dead when its process is gone, or when it was stopped or hangs for minutes. One
elsewhere is dead when it has not beaten for as long as another one watched, and the database answered. No
clock of another machine is asked and no time of day, so neither clocks that jump nor a database that was away
bury anybody.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, update

from studies.errors import StorageError, StorageLost, WorkerLost
from studies.store import StudyStore
from studies.store.connect import reading, writing
from studies.store.identity import JSON
from studies.store.patience import patient
from studies.store.presence import database_now, is_gone, is_here, this_process
from studies.store.queries import insert_new, utc_now
from studies.store.schema import holds, workers
from studies.workers.worker import Worker, WorkerState, check_working, read_workers

BEAT_S = 5.0
PATIENCE_S = 30.0
"""Six beats."""
HERE_PATIENCE = 10.0
"""How many times as long with one whose process is there: it may be busy, but hangs or was stopped then."""
_MOST_PER_LOOK = 1 / 3
"""The share of the patience that the time between two looks counts for at most: nobody watched in between."""
_JOIN_S = 15.0
ANEW = "its process began anew"
HUNG = 2
"""As how many deaths it counts that a process began anew: its engine hung, and it hung at what it held."""

_own: set[str] = set()
"""The workers that this process is: one that it has given up, or was before it began anew, has its number."""

logger = logging.getLogger(__name__)


def join(store: StudyStore, study: int, place: Mapping[str, JSON] | None = None) -> Worker:
    """Enter this process into the register as a worker of the study; returns it."""
    # Named before it is written: a try whose answer got lost enters nobody twice.
    name = uuid.uuid4().hex
    _own.add(name)
    return _join(store, study, name, dict(place or {}))


def abandon(worker: Worker) -> None:
    """Be that worker no more, also where it could not say so: whoever watches next will bury it."""
    _own.discard(worker.id)


@patient
def _join(store: StudyStore, study: int, name: str, place: dict[str, JSON]) -> Worker:
    process = this_process()
    row = {"id": name, "study_id": study, **vars(process), "place": json.loads(json.dumps(place))}
    with writing(store.engine) as connection:
        now = database_now(connection)
        fresh = {"beats": 0, "state": "working", "stats": {}, "joined_at": now, "updated_at": now}
        connection.execute(insert_new(connection, workers), {**row, **fresh})
        return next(read_workers(connection, workers.c.id == name))


@patient
def beat(
    store: StudyStore, worker: Worker, doing: str | None = None, stats: Mapping[str, JSON] | None = None
) -> None:
    """Say that the worker lives, what it does and how its engine fares; None leaves what it said last.

    Raises WorkerLost if it was declared lost.
    """
    beat_once(store, worker, doing, stats)


def beat_once(
    store: StudyStore, worker: Worker, doing: str | None = None, stats: Mapping[str, JSON] | None = None
) -> None:
    """As `beat`, but one try: raises StorageLost while the database is away."""
    said: dict[str, Any] = {} if doing is None else {"doing": doing or None}
    said |= {} if stats is None else {"stats": json.loads(json.dumps(stats))}
    with writing(store.engine) as connection:
        values = {"beats": workers.c.beats + 1, "updated_at": database_now(connection), **said}
        which = (workers.c.id == worker.id, workers.c.state == "working")
        if connection.execute(update(workers).where(*which).values(**values)).rowcount == 0:
            check_working(connection, worker)


@patient
def leave(store: StudyStore, worker: Worker, reason: str | None = None) -> None:
    """End the worker, and make what it holds nobody's; one that was declared lost stays so."""
    with writing(store.engine) as connection:
        ended = {"state": "ended", "reason": reason, "doing": None, "updated_at": database_now(connection)}
        which = (workers.c.id == worker.id, workers.c.state == "working")
        connection.execute(update(workers).where(*which).values(**ended))
        connection.execute(delete(holds).where(holds.c.worker_id == worker.id))


def living(store: StudyStore, study: int) -> list[Worker]:
    """The study's workers that are at work as far as can be told at once, in the order in which they joined.

    Those elsewhere whose machine vanished are among them until somebody has watched them long enough.
    """
    found = all_workers(store, study, "working")
    return [each for each in found if _end_of(each) is None]


@patient
def all_workers(
    store: StudyStore, study: int | None = None, state: WorkerState | None = None
) -> list[Worker]:
    """Every worker there was, of one study or of all, in the order in which they joined."""
    which = [] if study is None else [workers.c.study_id == study]
    which += [] if state is None else [workers.c.state == state]
    with reading(store.engine) as connection:
        return list(read_workers(connection, *which))


@dataclass
class Watch:
    """One process's watch over the other workers of a study; ask it every few seconds."""

    patience_s: float = PATIENCE_S
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By worker: its beats at the last look, and for how long it has been watched without another one."""
    _looked: float | None = None
    _outages: int = 0

    def bury(self, store: StudyStore, study: int) -> list[Worker]:
        """Declare dead workers lost, and what they held nobody's, with one death more; returns them.

        Those of this machine that are gone are told at the first look; one elsewhere takes four looks at
        least, and one here that is there but silent some thirty.
        """
        working = all_workers(store, study, "working")
        passed = self._passed(store)
        judged = [(each, self._verdict(each, passed)) for each in working]
        dead = [(worker, reason) for worker, reason in judged if reason is not None]
        try:
            # Not again after an outage, in which nobody could beat: the next look begins to count anew.
            return store.at_once(lambda: _bury(store, dead)) if dead else []
        except StorageLost:
            return []

    def _passed(self, store: StudyStore) -> float:
        """For how long the workers were watched since the last look."""
        now = self.clock()
        before, self._looked = self._looked, now
        if store.outage.count != self._outages:
            self._outages = store.outage.count
            self._seen.clear()
        return 0.0 if before is None else min(now - before, self.patience_s * _MOST_PER_LOOK)

    def _verdict(self, worker: Worker, passed: float) -> str | None:
        """Why the worker is dead; None if it lives as far as is known."""
        here = is_here(worker.process)
        if (end := _end_of(worker)) is not None:
            return end
        beats, silent = self._seen.get(worker.id, (None, 0.0))
        silent = silent + passed if beats == worker.beats else 0.0
        self._seen[worker.id] = (worker.beats, silent)
        patience = self.patience_s * (HERE_PATIENCE if here else 1)
        return None if silent < patience else f"it was not heard of for {silent:.0f} s"


def _end_of(worker: Worker) -> str | None:
    """How a worker of this machine has ended for certain; None if it has not, or is elsewhere."""
    if not is_here(worker.process):
        return None
    if is_gone(worker.process):
        return "its process is gone"
    if worker.process == this_process() and worker.id not in _own:
        return ANEW
    return None


def _bury(store: StudyStore, dead: Sequence[tuple[Worker, str]]) -> list[Worker]:
    buried = []
    with writing(store.engine) as connection:
        # All workers before any hold: `take` locks in this order, too, and one order for all can't deadlock.
        for worker, reason in sorted(dead, key=lambda pair: pair[0].id):
            w = workers.c
            which = (w.id == worker.id, w.state == "working", w.beats == worker.beats)
            lost = {"state": "lost", "reason": reason, "updated_at": database_now(connection)}
            if connection.execute(update(workers).where(*which).values(**lost)).rowcount:
                buried.append((worker, reason))
        for worker, reason in buried:
            deaths = HUNG if reason == ANEW else 1
            freed = {"worker_id": None, "deaths": holds.c.deaths + deaths, "updated_at": utc_now()}
            connection.execute(update(holds).where(holds.c.worker_id == worker.id).values(**freed))
    return [worker for worker, _ in buried]


class Pulse:
    """A worker's beats, made by a thread of their own."""

    def __init__(self) -> None:
        self.doing: str | None = None
        """What the next beat says that the worker does; None leaves what was said last."""
        self.lost = False
        """Others took the worker for dead: what it holds may be theirs."""
        self._failure: BaseException | None = None
        self._ended = threading.Event()

    def run(
        self, store: StudyStore, worker: Worker, every: float, stats: Callable[[], Mapping[str, JSON]]
    ) -> None:
        """Beat until the end, or until the worker was declared lost."""
        try:
            while not self._ended.is_set():
                self._beat(store, worker, stats())
                self._ended.wait(every)
        except WorkerLost:
            self.lost = True
        except BaseException as error:
            self._failure = error

    def _beat(self, store: StudyStore, worker: Worker, stats: Mapping[str, JSON]) -> None:
        try:
            store.at_once(lambda: beat_once(store, worker, self.doing, stats))
        except StorageError as error:
            # The next beat tries again, for however long; whoever needs the store for work gives up in time.
            logger.debug("no beat: %s", error)

    def stop(self) -> None:
        """Beat no more."""
        self._ended.set()

    def check(self) -> None:
        """Raises what ended the beats, if that was a mistake of ours."""
        if self._failure is not None:
            raise self._failure


@contextmanager
def beating(
    store: StudyStore, worker: Worker, every: float = BEAT_S, stats: Callable[[], Mapping[str, JSON]] = dict
) -> Iterator[Pulse]:
    """Beat from a thread inside the block, whatever the block waits for; `stats` is called by that thread."""
    pulse = Pulse()
    args = (store, worker, every, stats)
    thread = threading.Thread(target=pulse.run, args=args, name=f"beats of {worker.id[:8]}", daemon=True)
    thread.start()
    try:
        yield pulse
    finally:
        pulse.stop()
        thread.join(_JOIN_S)
    pulse.check()
