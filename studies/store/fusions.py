"""What a store remembers of a fusion beside its evidence: who was chosen and why, and how training went."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from studies.store.connect import reading, writing
from studies.store.identity import JSON
from studies.store.patience import Patient, patient
from studies.store.queries import utc_now
from studies.store.rows import TrainingRow
from studies.store.schema import selections, training


class FusionRecords(Patient):
    """The part of a `StudyStore` that fusions write; every method raises StorageError if it fails."""

    @patient
    def save_selection(self, study: int, selection: Mapping[str, JSON]) -> None:
        """Remembers who was chosen as target and sources, and why, in place of an earlier decision.

        Its field `target` is the digest of the unfused target, which leaderboards compare fused models with.
        """
        row = {"study_id": study, "selection": json.loads(json.dumps(selection)), "created_at": utc_now()}
        with writing(self.engine) as connection:
            _replace(connection, selections, [row])

    @patient
    def selection(self, study: int) -> Mapping[str, JSON] | None:
        """The study's decision, as `save_selection` was told; None if there is none."""
        which = selections.c.study_id == study
        with reading(self.engine) as connection:
            found = connection.execute(select(selections.c.selection).where(which)).scalar()
        return None if found is None else dict(found)

    @patient
    def record_training(
        self, study: int, run: str, rows: Sequence[tuple[int, Mapping[str, float | int | str | None]]]
    ) -> None:
        """Adds (step, metrics) of one training run; steps that are trained anew replace what they were.

        A metric that is no finite number is kept as None, for JSON has no such number.
        """
        now = utc_now()
        made = [
            {"study_id": study, "run": run, "step": step, "metrics": _plain(metrics), "at": now}
            for step, metrics in rows
        ]
        if made:
            with writing(self.engine) as connection:
                _replace(connection, training, made)

    @patient
    def training(self, study: int) -> list[TrainingRow]:
        """The curves of all of the study's training runs, by run and step."""
        c = training.c
        query = select(c.run, c.step, c.metrics, c.at).where(c.study_id == study).order_by(c.run, c.step)
        with reading(self.engine) as connection:
            return [TrainingRow(*row) for row in connection.execute(query)]


def _replace(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows; one whose key exists takes the place of what was there."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    key = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values), list(rows))


def _plain(metrics: Mapping[str, float | int | str | None]) -> dict[str, JSON]:
    broken = {
        name for name, value in metrics.items() if isinstance(value, float) and not math.isfinite(value)
    }
    return {name: None if name in broken else value for name, value in metrics.items()}
