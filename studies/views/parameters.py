"""What a search drew for its trials, as a table of numbers, and what the names of its parameters say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, Text, and_, cast, func, inspect, literal, select
from sqlalchemy.dialects import postgresql

from studies.objectives.goals import goals_of
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.identity import JSON
from studies.store.patience import patient
from studies.trials.tables import optuna_studies, params, trials, values
from studies.views.entries import study_name

if TYPE_CHECKING:
    import numpy as np

SCORED = ("COMPLETE", "PRUNED")
"""Trials with a value: of one that was stopped early it is an estimate, which samplers learn from alike."""
EVERYWHERE, NOBODY = "all", "-"
_PART = re.compile(r"layers?\d+(-\d+)?|outer")


@dataclass(frozen=True)
class Parameter:
    """What a parameter's name says: `weight.layers0-7.mlp.math`."""

    name: str
    kind: str
    """weight, density, method, source and the like."""
    part: str
    """`layers0-7`, `layer3`, `outer`; `all` for one of the whole merge, as `method`."""
    module: str
    """`all` for one of every module."""
    expert: str
    """`-` where it is not an expert's."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """What was drawn for trials, and what these were worth; one range of each parameter is 1 long."""

    names: tuple[str, ...]
    choices: tuple[int, ...]
    """By parameter how many categories it has; 0 for a number."""
    numbers: tuple[int, ...]
    """Of the trials, in their order."""
    table: np.ndarray[Any, np.dtype[np.float64]]
    """[trials, parameters]: as a share of the way along its range, or the index of a category."""
    values: np.ndarray[Any, np.dtype[np.float64]]
    """[trials, goals]: larger is better."""


@patient
def count_scored(store: StudyStore, name: str) -> int:
    """How many trials of the study of a name have a value: what importances are kept by."""
    with reading(store.engine) as connection:
        if not inspect(connection).has_table(params.name):
            return 0
        own = select(optuna_studies.c.study_id).where(optuna_studies.c.study_name == name).scalar_subquery()
        which = (trials.c.study_id == own, trials.c.state.in_(SCORED))
        return int(connection.execute(select(func.count()).select_from(trials).where(*which)).scalar_one())


def drawn(store: StudyStore, study: int) -> Drawn | None:
    """The trials that have a value and a number for every parameter; None where there are none."""
    name = study_name(store, study)
    if not count_scored(store, name):
        return None
    ways = [1.0 if goal.direction == "maximize" else -1.0 for goal in goals_of(store.identity(study))]
    return _drawn(store, name, ways)


@patient
def _drawn(store: StudyStore, name: str, ways: Sequence[float]) -> Drawn | None:
    import numpy as np

    with reading(store.engine) as connection:
        told: dict[int, dict[int, float]] = {}
        for number, objective, value in connection.execute(_select_values(name)):
            told.setdefault(number, {})[objective] = value
        ranges = {
            name: read_range(of) for name, of in sorted(map(tuple, connection.execute(_select_ranges(name))))
        }
        rows = connection.execute(_select_rows(name, connection.dialect.name)).all()
    # Only trials that have all of the parameters, in the order of their names.
    found = {n: text for n, count, text in rows if count == len(ranges) and len(told.get(n, ())) == len(ways)}
    if not found or not ranges:
        return None
    numbers = tuple(sorted(found))
    raw = np.array(" ".join(found[n] for n in numbers).split(), float).reshape(len(numbers), len(ranges))
    low, high, choices = (np.array(column) for column in zip(*ranges.values(), strict=True))
    return Drawn(
        names=tuple(ranges),
        choices=tuple(map(int, choices)),
        numbers=numbers,
        table=np.where(choices > 0, raw, (raw - low) / (high - low)),
        values=np.array([[told[n][i] * way for i, way in enumerate(ways)] for n in numbers]),
    )


def read_range(distribution: str) -> tuple[float, float, int]:
    """Low, high and number of categories (0 for a number) of a distribution in Optuna's JSON."""
    said = json.loads(distribution)["attributes"]
    if "choices" in said:
        return 0.0, 1.0, len(said["choices"])
    low, high = float(said["low"]), float(said["high"])
    return (low, high, 0) if high > low else (low, low + 1.0, 0)


def parse(name: str, experts: Sequence[str] = ()) -> Parameter:
    """What a parameter's name says; experts' names may hold dots, so they have to be known."""
    kind, _, rest = name.partition(".")
    expert = max((each for each in experts if rest.endswith(f".{each}")), key=len, default=NOBODY)
    site = rest if expert == NOBODY else rest[: -len(expert) - 1]
    part, _, module = site.partition(".")
    if not _PART.fullmatch(part):
        return Parameter(name, kind, EVERYWHERE, EVERYWHERE, expert)
    # On a layer path what follows is a place, and no module.
    return Parameter(name, kind, part, EVERYWHERE if kind == "source" else module or EVERYWHERE, expert)


def experts_of(identity: Mapping[str, JSON]) -> tuple[str, ...]:
    """The names of a study's experts, by its identity."""
    models = identity.get("models")
    return tuple(models)[1:] if isinstance(models, Mapping) else ()


def _of_study(name: str) -> Any:
    own = select(optuna_studies.c.study_id).where(optuna_studies.c.study_name == name).scalar_subquery()
    return and_(trials.c.study_id == own, trials.c.state.in_(SCORED))


def _select_values(name: str) -> Select[Any]:
    joined = trials.join(values, values.c.trial_id == trials.c.trial_id)
    which = and_(_of_study(name), values.c.value.is_not(None))
    return select(trials.c.number, values.c.objective, values.c.value).select_from(joined).where(which)


def _select_rows(name: str, dialect: str) -> Select[Any]:
    """By trial its number, how many parameters it has, and these in the order of their names, as text.

    Joined by the database: hundreds of thousands of rows would each be made an object here.
    """
    p = params.c
    joined = trials.join(params, p.trial_id == trials.c.trial_id)
    if dialect == "postgresql":
        between = postgresql.aggregate_order_by(literal(" "), p.param_name.collate("C"))
        columns = (trials.c.number, func.count(), func.string_agg(cast(p.param_value, Text), between))
        return select(*columns).select_from(joined).where(_of_study(name)).group_by(trials.c.number)
    inner = select(trials.c.number, p.param_value).select_from(joined).where(_of_study(name))
    rows = inner.order_by(trials.c.number, p.param_name).subquery()
    return select(rows.c.number, func.count(), func.group_concat(rows.c.param_value, " ")).group_by(
        rows.c.number
    )


def _select_ranges(name: str) -> Select[Any]:
    """Of the last such trial: a parameter that came later is in it, too."""
    last = select(func.max(trials.c.trial_id)).where(_of_study(name)).scalar_subquery()
    return select(params.c.param_name, params.c.distribution_json).where(params.c.trial_id == last)
