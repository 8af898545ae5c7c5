"""Whether anything happened to a study: a few numbers that change when it does, read in a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from studies.dashboard.memory import Memory, now
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.schema import candidates, studies, submissions, workers

LOOK_S = 1.0
"""How old what is known may be."""
UNSAID_S = 15.0
"""How often is read again what happens without a word: a process was killed, an item was judged."""


class Version(NamedTuple):
    """Of one study; one that is equal to an earlier one means that nothing happened in between."""

    state: str
    trials: tuple[Any, ...]
    """Changes when a candidate or the study's state does."""
    workers: tuple[Any, ...]
    """Changes with every beat of a worker's, too."""

    @property
    def at_work(self) -> bool:
        """Whether somebody says to work on it."""
        return bool(self.workers[0])


@dataclass
class Versions:
    """Reads versions, however many ask, once a second."""

    clock: Callable[[], float] = now
    _memory: Memory = field(default_factory=lambda: Memory(share=float("inf")))

    def of(self, store: StudyStore, study: int) -> Version:
        """The version of one study."""
        return self._memory.of(study, self._tick(LOOK_S), lambda: study_version(store, study))

    def of_all(self, store: StudyStore) -> tuple[Any, ...]:
        """That of everything there is, submissions that wait included."""
        return self._memory.of("all", self._tick(LOOK_S), lambda: store_version(store))

    def unsaid(self) -> int:
        """A number that changes every few seconds, for what happens without a word."""
        return self._tick(UNSAID_S)

    def _tick(self, seconds: float) -> int:
        return int(self.clock() / seconds)


@patient
def study_version(store: StudyStore, study: int) -> Version:
    """The version of a study, of which there must be one."""
    with reading(store.engine) as connection:
        row = connection.execute(_select_study(study)).one()
    return Version(row[0], tuple(row[:5]), tuple(row[5:]))


@patient
def store_version(store: StudyStore) -> tuple[Any, ...]:
    """The version of everything in a store."""
    tables = (studies, candidates, submissions)
    changed = [
        each
        for table in tables
        for each in (_count(table), select(func.max(table.c.updated_at)).scalar_subquery())
    ]
    working = workers.c.state == "working"
    beats = [
        select(value).where(working).scalar_subquery() for value in (func.count(), func.sum(workers.c.beats))
    ]
    with reading(store.engine) as connection:
        return tuple(connection.execute(select(*changed, *beats)).one())


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()


def _select_study(study: int) -> Select[Any]:
    s, c, w = studies.c, candidates.c, workers.c
    of_trials = [
        select(value).where(c.study_id == study).scalar_subquery()
        for value in (func.count(), func.max(c.updated_at))
    ]
    of_workers = [
        select(value).where(w.study_id == study, w.state == "working").scalar_subquery()
        for value in (func.count(), func.sum(w.beats))
    ]
    return select(s.state, s.updated_at, s.asked, *of_trials, *of_workers).where(s.id == study)
