"""Optuna makes its tables over connections like ours: the server notices when they are gone."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from sqlalchemy import text

from search.proposals.ledger import open_ledger
from search.study_file.spec import SamplerSpec
from tests.studies.conftest import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]


def test_a_server_ends_what_a_stopped_process_leaves_open(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    plain = optuna.create_study

    def made(storage: optuna.storages.RDBStorage, **more: Any) -> optuna.Study:
        with storage.engine.connect() as connection:
            found.append(connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one())
        return plain(storage=storage, **more)

    monkeypatch.setattr(optuna, "create_study", made)
    space = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}
    ledger = open_ledger("tiny", postgres_url, SamplerSpec(), space, [])
    assert found == ["1min"]
    assert ledger.create() == 0
    ledger.close()
