"""What the tables hold of a trial, and what is put into them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, Table, select, text
from sqlalchemy.dialects import postgresql, sqlite

from studies.trials.tables import params, system_attributes, trials, values

State = Literal["RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"]
Drawn = Mapping[str, tuple[float, str]]
"""Of each parameter its number, of categories their index, and its distribution in Optuna's JSON."""

_INFINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf")}


@dataclass(frozen=True)
class StoredTrial:
    """A trial as it stands: what was drawn for it, and how it ended if it did."""

    id: int
    number: int
    state: State
    values: tuple[float, ...] = ()
    """One per objective if it was scored; of a pruned one what it would have had."""
    params: Drawn = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What samplers keep with it."""

    @property
    def value(self) -> float | None:
        """Its first value, if it has any."""
        return self.values[0] if self.values else None

    @property
    def finished(self) -> bool:
        """Whether it stays as it is."""
        return self.state not in ("RUNNING", "WAITING")


@dataclass(frozen=True)
class Standing:
    """How far a study's trials have come."""

    running: tuple[int, ...]
    """Numbers of those that were begun and not closed, in their order."""
    counts: Mapping[str, int]
    """How many are in each state; one that no trial is in is left out."""

    @property
    def begun(self) -> int:
        """How many there are, waiting ones not counted."""
        return sum(count for state, count in self.counts.items() if state != "WAITING")

    @property
    def finished(self) -> int:
        """How many were told, pruned or failed."""
        return sum(self.counts.get(state, 0) for state in ("COMPLETE", "PRUNED", "FAIL"))


def read_trials(connection: Connection, which: ColumnElement[bool]) -> list[StoredTrial]:
    """The trials that `which` names, by number."""
    # A trial's state first: what it says is finished is all there when the rest is read.
    found = read_outcomes(connection, which)
    ids = select(trials.c.trial_id).where(which)
    drawn = _read_params(connection, ids)
    kept: dict[int, dict[str, Any]] = defaultdict(dict)
    of = select(system_attributes.c.trial_id, system_attributes.c.key, system_attributes.c.value_json)
    for trial, key, written in connection.execute(of.where(system_attributes.c.trial_id.in_(ids))):
        kept[trial][key] = json.loads(written)
    return [replace(trial, params=drawn[trial.id], attributes=kept[trial.id]) for trial in found.values()]


def read_outcomes(connection: Connection, which: ColumnElement[bool]) -> dict[int, StoredTrial]:
    """The trials by number, without what was drawn for them and kept with them."""
    columns = (trials.c.trial_id, trials.c.number, trials.c.state, values.c.value, values.c.value_type)
    joined = trials.outerjoin(values, values.c.trial_id == trials.c.trial_id)
    found: dict[int, StoredTrial] = {}
    rows = select(*columns).select_from(joined).where(which).order_by(trials.c.number, values.c.objective)
    for row in connection.execute(rows):
        trial = found.get(row.number, StoredTrial(row.trial_id, row.number, row.state))
        value = _INFINITE.get(row.value_type, row.value)
        found[row.number] = trial if value is None else replace(trial, values=(*trial.values, value))
    return found


def value_rows(trial: int, told: Sequence[float]) -> list[dict[str, Any]]:
    """The rows of a trial's values, one per objective."""
    kinds = [next((name for name, inf in _INFINITE.items() if inf == value), "FINITE") for value in told]
    return [
        {"trial_id": trial, "objective": i, "value": value if kind == "FINITE" else None, "value_type": kind}
        for i, (value, kind) in enumerate(zip(told, kinds, strict=True))
    ]


def insert_params(connection: Connection, trial: int, drawn: Drawn) -> None:
    """Adds parameters in their order."""
    if connection.dialect.name == "postgresql":
        numbers, distributions = zip(*drawn.values(), strict=True) if drawn else ((), ())
        row = {"trial": trial, "names": [*drawn], "numbers": [*numbers], "distributions": [*distributions]}
        connection.execute(_INSERT_PARAMS, row)
    elif drawn:
        connection.exec_driver_sql(
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"
            " VALUES (?, ?, ?, ?)",
            [(trial, name, number, distribution) for name, (number, distribution) in drawn.items()],
        )


_INSERT_PARAMS = text(
    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"
    " SELECT :trial, name, number, distribution FROM unnest(CAST(:names AS text[]),"
    " CAST(:numbers AS float8[]), CAST(:distributions AS text[])) WITH ORDINALITY"
    " AS drawn (name, number, distribution, place) ORDER BY place"
)
"""One statement, where a row each takes a server ten times as long."""


def set_attributes(
    connection: Connection, table: Table, owner: Mapping[str, int], attributes: Mapping[str, Any]
) -> None:
    """Writes attributes as JSON over what was there."""
    if not attributes:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(table)
    statement = new.on_conflict_do_update(
        index_elements=[*owner, "key"], set_={"value_json": new.excluded.value_json}
    )
    rows = [{**owner, "key": key, "value_json": json.dumps(value)} for key, value in attributes.items()]
    connection.execute(statement, rows)


def same_point(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two sets of parameters are the same but for rounding, as Optuna's queue has it."""
    return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())


def utc_now() -> datetime:
    """The time as Optuna's tables have it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-5 * abs(other)
    return bool(one == other)


def _read_params(connection: Connection, ids: Select[Any]) -> dict[int, dict[str, tuple[float, str]]]:
    columns = (params.c.trial_id, params.c.param_name, params.c.param_value, params.c.distribution_json)
    drawn: dict[int, dict[str, tuple[float, str]]] = defaultdict(dict)
    rows = connection.execute(select(*columns).where(params.c.trial_id.in_(ids)).order_by(params.c.param_id))
    for trial, name, number, distribution in rows:
        drawn[trial][name] = number, distribution
    return drawn
