"""One worker at work on one study: what it knows, how it waits, and how it leaves."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from search.errors import Hopeless, NothingSteers, SearchError
from search.running.ending import Halted, TimeUp, outcome_of
from search.running.interrupt import rest
from search.running.measure import PACE
from search.running.search import Search
from search.showing.step import Step
from search.signals.gpus import with_gpus
from search.study_file.spec import EngineSpec
from search.working.places import own_gpus
from search.working.terms import Clock, Terms
from studies.errors import StorageError, WorkerLost
from studies.store import StudyStore
from studies.store.presence import this_process
from studies.store.rows import AT_WORK, StudyState
from studies.workers.holds import Hold, drop, forget, progress, take
from studies.workers.register import (
    Pulse,
    Watch,
    abandon,
    all_workers,
    beat,
    beating,
    join,
    leave,
    living,
)
from studies.workers.wishes import asked
from studies.workers.worker import Worker

POLL_S = 0.5
"""How often one who waits for others looks again."""
GLANCE_S = 0.2
"""How long what was asked of the study a moment ago is taken for what is asked of it."""
MOST_DEATHS = 5
"""Without an answer in between. Those who are killed for another reason hit the same trial now and then."""
PAUSED = "paused"
LEAVING_S = 10.0
"""How long one that was interrupted waits for a database that is away."""
_RECENT = 5

T = TypeVar("T")


class Taken(Exception):  # noqa: N818 - reads as the fact that it reports
    """What was laid down for a while was taken up by somebody else."""


@dataclass
class Session:
    """A worker and all that it works with; what it does is in `sharing.py` and `trials.py`."""

    search: Search
    worker: Worker
    pulse: Pulse
    terms: Terms
    clock: Clock
    report: Callable[[Step], None]
    watch: Watch = field(default_factory=Watch)
    hold: Hold | None = None
    """What it works on just now."""
    verdict_s: float | None = None
    """Seconds that the verdict needs; None where no time ends what is being done."""
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """Seconds that the last candidates took for their search items."""
    streak: list[str] = field(default_factory=list)
    """Kinds of this worker's last failures, all one kind; empty after a success."""
    _answers: int = 0
    _looked: float = 0.0
    _said: StudyState | None = None
    _said_at: float = 0.0

    @property
    def trials(self) -> int:
        """Of the study in all."""
        return self.terms.trials_of(self.search.workshop.spec.budget)

    def say(self, state: StudyState, reason: str | None = None) -> None:
        """Say in the store what the study is doing."""
        self.search.store.set_state(self.search.study, state, reason)
        self._said, self._said_at = state, time.monotonic()

    def repeat(self, state: StudyState) -> None:
        """Say it again, for others may have said otherwise since; not more often than somebody looks."""
        if self._said != state or time.monotonic() - self._said_at >= POLL_S:
            self.say(state)

    def others(self) -> int:
        """How many other workers live; those that died are buried first."""
        self.watch.bury(self.search.store, self.search.study)
        return sum(each.id != self.worker.id for each in living(self.search.store, self.search.study))

    def clear_up(self) -> None:
        """Leave nothing behind of workers that died, for all is done."""
        self.watch.bury(self.search.store, self.search.study)
        forget(self.search.store, self.search.study)

    @contextmanager
    def holding(self, hold: Hold, verdict_s: float | None = None) -> Iterator[None]:
        """Say what is worked on; it is handed back where what is left of the time is for the verdict."""
        self.verdict_s = verdict_s
        self.hold, self._answers, self.pulse.doing = hold, self._answered(), hold.name
        try:
            yield
        except TimeUp:
            drop(self.search.store, self.worker, hold)
            raise
        finally:
            self.hold = self.verdict_s = None
            self.pulse.doing = ""

    def wait(self) -> None:
        """Give others a while, and look whether they live."""
        self.pulse.doing = "waiting"
        self.halt()
        rest(POLL_S)
        self.watch.bury(self.search.store, self.search.study)

    def unhurried(self, job: Callable[[], T]) -> T:
        """What the job returns; where the study is paused in between, it is begun again afterwards.

        What it has measured before is not measured again.
        """
        while True:
            try:
                return job()
            except Halted as halted:
                if halted.wish != "pause":
                    raise
                self._pause()
                self._take_again()

    def halt(self) -> None:
        """Raise what interrupts this worker, if anything does; asked between batches.

        Raises:
            WorkerLost: it was taken for dead. Halted: somebody asks it to pause or to stop.
            TimeUp: what is left of its time is needed for the verdict.
        """
        self._check_pulse()
        self._outlive()
        if time.monotonic() - self._looked >= GLANCE_S:
            wish = asked(self.search.store, self.search.study)
            if wish is not None:
                raise Halted(wish)
            self._looked = time.monotonic()
        if self.verdict_s is not None and self.clock.left < self.verdict_s:
            raise TimeUp("the rest of the time is needed for the verdict")

    def _outlive(self) -> None:
        """Forget that others died of what is worked on, once it has brought answers."""
        if self.hold is not None and self.hold.deaths and self._answered() > self._answers:
            progress(self.search.store, self.worker, self.hold)
            self.hold = replace(self.hold, deaths=0)

    def _check_pulse(self) -> None:
        self.pulse.check()
        if self.pulse.lost:
            raise WorkerLost("this worker was taken for dead, and its work given to others")

    def _pause(self) -> None:
        """Wait, and hold nothing meanwhile: one that is killed while it waits has not died of its work."""
        if self.hold is not None:
            drop(self.search.store, self.worker, self.hold)
        doing, self.pulse.doing = self.pulse.doing, PAUSED
        while asked(self.search.store, self.search.study) == "pause":
            self._check_pulse()
            rest(POLL_S)
        self.pulse.doing = doing

    def _take_again(self) -> None:
        """Go on with what was worked on; raises Taken if somebody was quicker."""
        if self.hold is not None:
            hold = take(self.search.store, self.worker, self.hold.stage, self.hold.name)
            if hold is None:
                raise Taken(f"{self.hold.name} is somebody else's by now")
            self.hold = hold

    def _answered(self) -> int:
        return int(self.search.bench.stats()["answers"])


def check_deaths(hold: Hold) -> None:
    """Raises SearchError for what workers died of again and again."""
    if hold.deaths >= MOST_DEATHS:
        raise SearchError(
            f"{hold.name!r} could not be measured: workers died or hung at it again and again; the same"
            " command tries again"
        )


@contextmanager
def at_work(search: Search, terms: Terms, clock: Clock, report: Callable[[Step], None]) -> Iterator[Session]:
    """Be a worker of the study; however that ends, what it holds is handed back and the study says why."""
    store = search.store
    worker = join(store, search.study, place(terms, search.workshop.spec.engine))
    try:
        with beating(store, worker, stats=with_gpus(search.bench.stats)) as pulse:
            session = Session(search, worker, pulse, terms, clock, report)
            search.bench.between, search.bench.vouch = session.halt, partial(beat, store, worker)
            try:
                yield session
            finally:
                search.bench.between = search.bench.vouch = _nothing
    except BaseException as error:
        _depart(search, worker, error)
        raise
    else:
        _leave(search, worker)
    finally:
        abandon(worker)


def place(terms: Terms, engine: EngineSpec) -> Mapping[str, Any]:
    """Where this process computes: its GPUs, and which of several workers it is."""
    gpus = own_gpus(engine)
    own = {} if gpus is None else {"gpus": gpus}
    return {**own, "index": terms.index, "workers": terms.workers}


def pace_before(store: StudyStore, study: int, terms: Terms) -> float | None:
    """Seconds an item that the worker before took at most, in whose place this one is.

    Nobody else's: another machine, or another share of it, may be slower.
    """
    here = this_process()
    own = (here.host, here.boot, terms.index, terms.workers)
    for each in reversed(all_workers(store, study)):
        if (each.host, each.boot, each.place.get("index"), each.place.get("workers")) == own:
            pace = each.stats.get(PACE)
            return float(pace) if isinstance(pace, int | float) else None
    return None


def _depart(search: Search, worker: Worker, error: BaseException) -> None:
    """Leave; the last one out says how the study stands, and so does whoever found out that it is in vain."""
    store = search.store
    if isinstance(error, WorkerLost | StorageError):
        return  # nothing is its own any more, or nobody can be told: others will see
    store.patience = min(store.patience, LEAVING_S)
    state, reason = outcome_of(error)
    _leave(search, worker, reason)
    if isinstance(error, NothingSteers | Hopeless) or (
        not living(store, search.study) and not (isinstance(error, Halted) and _has_ended(search))
    ):
        store.set_state(search.study, state, reason)


def _leave(search: Search, worker: Worker, reason: str | None = None) -> None:
    with suppress(WorkerLost):
        beat(search.store, worker, stats=search.bench.stats())  # its last word on what it did
    leave(search.store, worker, reason)


def _has_ended(search: Search) -> bool:
    (state,) = (each.state for each in search.store.studies() if each.id == search.study)
    return state not in AT_WORK


def _nothing() -> None:
    pass
