"""A study's candidates with their times, and what Optuna's tables say of its trials: one query each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import inspect, select

from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.rows import CandidateKind, CandidateState
from studies.store.schema import candidates, studies
from studies.trials.rows import State
from studies.trials.tables import optuna_studies, trials, values
from studies.verdicts.holdout import FOUND


@dataclass(frozen=True)
class Entry:
    """A candidate with the times of its row, in UTC."""

    kind: CandidateKind
    name: str
    trial: int | None
    digest: str
    state: CandidateState
    reason: str | None
    failure: str | None
    began_at: datetime
    changed_at: datetime

    @property
    def version(self) -> tuple[object, ...]:
        """Another one as soon as the candidate is taken up again."""
        return self.state, self.changed_at

    @property
    def found(self) -> bool:
        """Whether it is a trial of the study's own search."""
        return self.kind in FOUND and self.trial is not None

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it runs."""
        return None if self.state == "running" else self.changed_at


@dataclass(frozen=True)
class Told:
    """A trial as Optuna's tables have it; times are UTC."""

    number: int
    state: State
    began_at: datetime | None
    ended_at: datetime | None
    values: tuple[float, ...] = ()
    """One per objective if it was scored; of a pruned one what it would have had."""


@patient
def entries_of(store: StudyStore, study: int) -> list[Entry]:
    """The study's candidates, in the order of their registration."""
    c = candidates.c
    columns = (c.kind, c.name, c.trial, c.digest, c.state, c.reason, c.failure, c.created_at, c.updated_at)
    query = select(*columns).where(c.study_id == study).order_by(c.created_at, c.trial, c.kind, c.name)
    with reading(store.engine) as connection:
        return [Entry(*row) for row in connection.execute(query)]


@patient
def study_name(store: StudyStore, study: int) -> str:
    """What the study of an id is called; raises StudyNotFound."""
    with reading(store.engine) as connection:
        name = connection.execute(select(studies.c.name).where(studies.c.id == study)).scalar_one_or_none()
    if name is None:
        raise StudyNotFound(
            f"storage {store.engine.url!r} has no study with id {study}: see `crucible status`"
        )
    return str(name)


@patient
def told_of(store: StudyStore, name: str) -> Mapping[int, Told]:
    """By number, the trials of the study of a name; none where Optuna knows no such study."""
    t, found = trials.c, dict[int, Told]()
    joined = trials.join(optuna_studies, t.study_id == optuna_studies.c.study_id)
    joined = joined.outerjoin(values, values.c.trial_id == t.trial_id)
    columns = (t.number, t.state, t.datetime_start, t.datetime_complete, values.c.value)
    query = select(*columns).select_from(joined).where(optuna_studies.c.study_name == name)
    with reading(store.engine) as connection:
        if not inspect(connection).has_table(values.name):
            return {}
        for *row, value in connection.execute(query.order_by(t.number, values.c.objective)):
            trial = found.get(row[0], Told(*row))
            found[row[0]] = trial if value is None else replace(trial, values=(*trial.values, value))
    return found
