"""A study answered by no model: all of it runs, and its evidence says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluators.engines.fake import FakeEngine
from search.running.workshop import open_workshop
from search.study_file.spec import load_study
from tests.evaluators.engines.contract import Weights
from tests.search.conftest import Outcome, small_study, write_study


def test_a_study_runs_without_a_model_and_is_not_refused_for_what_nobody_answers(
    tmp_path: Path, crucible: Callable[..., Outcome]
) -> None:
    (tmp_path / "run").mkdir()
    engine = {"name": "fake", "max_tokens": 8}
    parts = [{"name": "gsm8k", "task": "gsm8k", "data": "gsm8k.jsonl", "num_fewshot": 0}]
    slices = [{**part, "search": 6, "holdout": 12} for part in parts]
    file = write_study(tmp_path / "run", small_study(trials=3, engine=engine, slices=slices))
    storage = f"sqlite:///{tmp_path / 'crucible.db'}"
    outcome = crucible("run", file, "--storage", storage, "--json")
    assert outcome.code == 0, outcome.err
    assert "steers nothing" not in outcome.err
    rows = json.loads(outcome.out)
    assert [row["kind"] for row in rows].count("trial") == 3
    described = open_workshop(load_study(file)).engine().description
    assert described == "fake", "what evidence is filed under"


def test_each_batch_takes_the_seconds_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    engine = FakeEngine(seconds=0.1)
    engine.load(Weights())
    for ask in (lambda: engine.generate(["a", "b", "c"], (), 2), lambda: engine.loglikelihood([("a", "b")])):
        ask()
    assert slept == [0.1, 0.1], "a batch's, not each prompt's"
