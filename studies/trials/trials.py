"""The trials of one study of Optuna's, read and written."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, update

from studies.errors import TrialClosed
from studies.store.connect import open_engine, reading, writing
from studies.store.patience import PATIENCE_S, Outage, Patient, patient
from studies.trials.rows import (
    Drawn,
    Standing,
    State,
    StoredTrial,
    insert_params,
    read_outcomes,
    read_trials,
    same_point,
    set_attributes,
    utc_now,
    value_rows,
)
from studies.trials.tables import (
    intermediate_values,
    optuna_studies,
    params,
    study_attributes,
    study_notes,
    system_attributes,
    trials,
    user_attributes,
    values,
)


class Trials(Patient):
    """Optuna's study of a name, in the database that a URL names; Optuna has to make both first.

    Every method is one transaction, waits for a database that is away, and raises StorageError if it fails.
    What was done although the answer was lost is not done twice.
    """

    def __init__(self, url: str, name: str, like: Patient | None = None) -> None:
        """Connects to nothing yet; as patient as a store that it is `like`."""
        self.engine, self.name = open_engine(url), name
        self.outage = Outage() if like is None else like.outage
        self.patience = PATIENCE_S if like is None else like.patience
        self.wait = time.sleep if like is None else like.wait

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()

    @cached_property
    def study(self) -> int:
        """The study's id in Optuna's tables."""
        return self._find()

    @patient
    def _find(self) -> int:
        with reading(self.engine) as connection:
            named = select(optuna_studies.c.study_id).where(optuna_studies.c.study_name == self.name)
            return int(connection.execute(named).scalar_one())

    @patient
    def read(self, after: int = -1, among: Collection[int] = ()) -> list[StoredTrial]:
        """The trials whose id lies beyond `after` or is `among` the ids, by number."""
        newer = or_(trials.c.trial_id > after, trials.c.trial_id.in_(among))
        with reading(self.engine) as connection:
            return read_trials(connection, and_(self._own, newer))

    @patient
    def standing(self) -> Standing:
        """How many trials there are, and which of them are being worked on, all at one moment."""
        number = case((trials.c.state == "RUNNING", trials.c.number))
        groups = (
            select(trials.c.state, number, func.count()).where(self._own).group_by(trials.c.state, number)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(groups).all()
        running = sorted(number for _, number, _ in rows if number is not None)
        counts = {state: count for state, number, count in rows if number is None}
        return Standing(tuple(running), {**counts, "RUNNING": len(running)} if running else counts)

    @patient
    def study_attributes(self) -> dict[str, Any]:
        """What samplers keep with the study."""
        columns = select(study_attributes.c.key, study_attributes.c.value_json)
        with reading(self.engine) as connection:
            rows = connection.execute(columns.where(study_attributes.c.study_id == self.study))
            return {key: json.loads(written) for key, written in rows}

    @patient
    def note_study(self, key: str, value: Any) -> None:
        """Keeps a fact with the study, under a key."""
        with writing(self.engine) as connection:
            set_attributes(connection, study_notes, {"study_id": self.study}, {key: value})

    def begin(self) -> int:
        """Begins the first waiting trial, else a new one; returns its number."""
        return self.patiently(partial(self._begin, utc_now()))

    def _begin(self, now: datetime) -> int:
        running, number = trials.c.state == "RUNNING", func.min(trials.c.number)
        # The time tells a trial that was begun, and the answer lost, from all others.
        begun = number.filter(running, trials.c.datetime_start == now)
        waiting = number.filter(trials.c.state == "WAITING")
        with self._adding() as connection:
            found = connection.execute(select(begun, waiting, func.count()).where(self._own)).one()
            if found[0] is not None:
                return int(found[0])
            if found[1] is None:
                self._add(connection, found[2], "RUNNING", now)
                return int(found[2])
            change = {"state": "RUNNING", "datetime_start": now}
            connection.execute(update(trials).where(self._is(found[1])).values(change))
            return int(found[1])

    @patient
    def enqueue(
        self, points: Sequence[Mapping[str, Any]], key: str, note: Mapping[str, Any] | None = None
    ) -> None:
        """Lets a trial wait for each point, with it as attribute `key`, unless there is such a trial.

        What there is to note of it is kept with the study.
        """
        with self._adding() as connection:
            ids = select(trials.c.trial_id).where(self._own)
            there = and_(system_attributes.c.trial_id.in_(ids), system_attributes.c.key == key)
            written = connection.scalars(select(system_attributes.c.value_json).where(there))
            known = [json.loads(each) for each in written]
            count = int(connection.execute(select(func.count()).where(self._own)).scalar_one())
            for point in map(dict, points):
                if not any(same_point(point, each) for each in known):
                    known.append(point)
                    trial = self._add(connection, count, "WAITING")
                    count += 1
                    set_attributes(connection, system_attributes, {"trial_id": trial}, {key: point})
            set_attributes(connection, study_attributes, {"study_id": self.study}, note or {})

    @patient
    def fill(
        self, trial: StoredTrial, drawn: Drawn, kept: Mapping[str, Any], kept_of_study: Mapping[str, Any]
    ) -> bool:
        """Adds what was drawn for a running trial, and what the sampler keeps with it and with the study.

        Returns whether the trial was as given until then; if not, nothing is written.
        """
        with writing(self.engine) as connection:
            # This takes the row: whoever else draws for the trial waits here, and finds what this one wrote.
            running = and_(trials.c.trial_id == trial.id, trials.c.state == "RUNNING")
            if not connection.execute(update(trials).where(running).values(state="RUNNING")).rowcount:
                return False
            there = select(func.count()).where(params.c.trial_id == trial.id)
            if connection.execute(there).scalar_one() != len(trial.params):
                return False
            insert_params(connection, trial.id, drawn)
            set_attributes(connection, system_attributes, {"trial_id": trial.id}, kept)
            set_attributes(connection, study_attributes, {"study_id": self.study}, kept_of_study)
            return True

    @patient
    def note(self, trial: StoredTrial, key: str, value: Any) -> None:
        """Keeps a fact with a trial, under a key."""
        with writing(self.engine) as connection:
            set_attributes(connection, user_attributes, {"trial_id": trial.id}, {key: value})

    @patient
    def end(
        self, number: int, state: State, told: Sequence[float] = (), report: tuple[int, float] | None = None
    ) -> None:
        """Ends a running trial with its values, one per objective, and what it reports at a step.

        One that ended in this way already is left as it is. Raises TrialClosed if it ended in another way.
        """
        running = and_(self._is(number), trials.c.state == "RUNNING")
        change = {"state": state, "datetime_complete": utc_now()}
        with writing(self.engine) as connection:
            ended = connection.execute(
                update(trials).where(running).values(change).returning(trials.c.trial_id)
            )
            trial = ended.scalar_one_or_none()
            if trial is None:
                self._check_ended(connection, number, state, told)
                return
            if told:
                connection.execute(values.insert(), value_rows(trial, told))
            if report is not None:
                step, value = report
                row = {"step": step, "intermediate_value": value, "intermediate_value_type": "FINITE"}
                connection.execute(intermediate_values.insert(), {"trial_id": trial, **row})

    def _check_ended(self, connection: Connection, number: int, state: State, told: Sequence[float]) -> None:
        there = read_outcomes(connection, self._is(number))[number]
        if (there.state, there.values) != (state, tuple(told)):
            raise TrialClosed(f"trial {number} has ended already, as {there.state}; it stays as it is")

    @property
    def _own(self) -> ColumnElement[bool]:
        return trials.c.study_id == self.study

    def _is(self, number: int) -> ColumnElement[bool]:
        return and_(self._own, trials.c.number == number)

    @contextmanager
    def _adding(self) -> Iterator[Connection]:
        """A transaction during which nobody else adds a trial to the study; Optuna takes the same lock."""
        with writing(self.engine) as connection:
            study = select(optuna_studies.c.study_id).where(optuna_studies.c.study_id == self.study)
            connection.execute(study.with_for_update()).one()
            yield connection

    def _add(self, connection: Connection, number: int, state: State, start: datetime | None = None) -> int:
        """The id of a new trial; numbers count the trials of a study."""
        row = {"study_id": self.study, "number": number, "state": state, "datetime_start": start}
        added = connection.execute(trials.insert().values(row)).inserted_primary_key
        assert added is not None
        return int(added[0])
