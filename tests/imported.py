"""Imports what a run of any engine but vLLM needs, once for all processes that are forked from here."""

from contextlib import suppress
from importlib import import_module

import torch

for name in (
    "alembic.context",
    "evaluators.engines.transformers",
    "lm_eval.tasks",
    "optuna.samplers",
    "optuna.storages._rdb.storage",
    "scipy.stats",
    "search.cli",
    "search.commands.run",
    "search.working.run",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "studies.store.migrate",
    "transformers.models.auto.tokenization_auto",
):
    with suppress(ModuleNotFoundError):  # what is not needed here may be absent
        import_module(name)
torch.set_num_threads(1)
