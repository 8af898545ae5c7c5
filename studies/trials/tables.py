"""Optuna's tables as far as trials need them, as of its schema v3.2.0.a. Optuna makes and migrates them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, Enum, Float, Integer, MetaData, String, Table, Text

_metadata = MetaData()


def _table(name: str, key: str, *columns: Column[Any]) -> Table:
    return Table(name, _metadata, Column(key, Integer, primary_key=True), *columns)


optuna_studies = _table("studies", "study_id", Column("study_name", String))

trials = _table(
    "trials",
    "trial_id",
    Column("number", Integer),
    Column("study_id", Integer),
    Column("state", Enum("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING", name="trialstate")),
    Column("datetime_start", DateTime),
    Column("datetime_complete", DateTime),
)
"""Times are UTC without saying so."""

params = _table(
    "trial_params",
    "param_id",
    Column("trial_id", Integer),
    Column("param_name", String),
    Column("param_value", Float),
    Column("distribution_json", Text),
)
"""Of a category the value is its index."""

values = _table(
    "trial_values",
    "trial_value_id",
    Column("trial_id", Integer),
    Column("objective", Integer),
    Column("value", Float),
    Column("value_type", Enum("FINITE", "INF_POS", "INF_NEG", name="trialvaluetype")),
)

intermediate_values = _table(
    "trial_intermediate_values",
    "trial_intermediate_value_id",
    Column("trial_id", Integer),
    Column("step", Integer),
    Column("intermediate_value", Float),
    Column(
        "intermediate_value_type",
        Enum("FINITE", "INF_POS", "INF_NEG", "NAN", name="trialintermediatevaluetype"),
    ),
)
"""What a trial reported on its way, by step."""

system_attributes = _table(
    "trial_system_attributes",
    "trial_system_attribute_id",
    Column("trial_id", Integer),
    Column("key", String),
    Column("value_json", Text),
)

user_attributes = _table(
    "trial_user_attributes",
    "trial_user_attribute_id",
    Column("trial_id", Integer),
    Column("key", String),
    Column("value_json", Text),
)

study_notes = _table(
    "study_user_attributes",
    "study_user_attribute_id",
    Column("study_id", Integer),
    Column("key", String),
    Column("value_json", Text),
)

study_attributes = _table(
    "study_system_attributes",
    "study_system_attribute_id",
    Column("study_id", Integer),
    Column("key", String),
    Column("value_json", Text),
)
