"""What trials that were stopped early are said to have been worth."""

from __future__ import annotations

from sqlalchemy import Engine, inspect, select

from studies.store.connect import reading
from studies.trials.tables import optuna_studies, trials, values


def estimates_of(engine: Engine, name: str) -> dict[int, float]:
    """By number, what each pruned trial of a study would have scored; none before Optuna knows it."""
    if not inspect(engine).has_table(trials.name):
        return {}
    told = (
        select(trials.c.number, values.c.value)
        .join(optuna_studies, optuna_studies.c.study_id == trials.c.study_id)
        .join(values, values.c.trial_id == trials.c.trial_id)
        .where(optuna_studies.c.study_name == name, trials.c.state == "PRUNED", values.c.value.is_not(None))
    )
    with reading(engine) as connection:
        return {number: value for number, value in connection.execute(told)}
