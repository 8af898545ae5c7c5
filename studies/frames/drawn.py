"""What Optuna's tables say was drawn for trials: numbers, and of choices the word."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect, select

from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.trials.tables import optuna_studies, params, trials


@patient
def read_drawn(store: StudyStore, name: str) -> tuple[list[str], dict[int, list[Any]]]:
    """Names of parameters in their order, and by trial number what it had of each, or None."""
    columns = (trials.c.number, params.c.param_name, params.c.param_value)
    joined = params.join(trials, params.c.trial_id == trials.c.trial_id)
    joined = joined.join(optuna_studies, trials.c.study_id == optuna_studies.c.study_id)
    own = optuna_studies.c.study_name == name
    choices = (params.c.param_name, params.c.distribution_json)
    of_choices = params.c.distribution_json.contains("Categorical")
    with reading(store.engine) as connection:
        if not inspect(connection).has_table(params.name):
            return [], {}
        words = dict[str, Sequence[Any]]()
        for parameter, written in connection.execute(
            select(*choices).select_from(joined).where(own, of_choices).distinct()
        ):
            words[parameter] = json.loads(written)["attributes"]["choices"]
        found = connection.execute(
            select(*columns).select_from(joined).where(own).order_by(params.c.param_id)
        )
        return _rows(found, words)


def _rows(found: Any, words: dict[str, Sequence[Any]]) -> tuple[list[str], dict[int, list[Any]]]:
    places: dict[str, int] = {}
    drawn: dict[int, dict[int, Any]] = defaultdict(dict)
    for number, name, value in found:
        place = places.setdefault(name, len(places))
        drawn[number][place] = words[name][int(value)] if name in words else value
    everything = range(len(places))
    return list(places), {number: [own.get(i) for i in everything] for number, own in drawn.items()}
