"""What is kept with a study among Optuna's, for people to read."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Engine, inspect, select

from studies.store.connect import reading
from studies.trials.tables import optuna_studies, study_notes


def notes_of(engine: Engine, name: str) -> dict[str, Any]:
    """The facts kept with the study of a name; none where Optuna knows no such study yet."""
    if not inspect(engine).has_table(study_notes.name):
        return {}
    columns = select(study_notes.c.key, study_notes.c.value_json)
    joined = columns.join(optuna_studies, study_notes.c.study_id == optuna_studies.c.study_id)
    with reading(engine) as connection:
        rows = connection.execute(joined.where(optuna_studies.c.study_name == name)).all()
    return {key: json.loads(written) for key, written in rows}
