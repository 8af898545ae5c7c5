"""A study's sampler, and what that can't serve, are told before anything runs: by `check` as by `run`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.search.conftest import Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
AUTO = "auto: tpe, for one objective over 54 numbers in 4 trials"
SMALL = "budget.trials: 4 are few for a search space of 6 coordinates"
FIT = "about 24 would fit"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fake(trials: int = 4, **changes: object) -> dict[str, object]:
    return small_study(trials, engine={"name": "fake"}, **{"sampler": {"name": "auto"}, **changes})


def made(home: Path) -> list[str]:
    """Files of a database."""
    return sorted(file.name for file in home.iterdir() if ".db" in file.name)


@pytest.mark.parametrize("sampler", ["cmaes", "gp"])
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_sampler_that_serves_one_objective_is_refused_in_one_line(
    home: Path, crucible: Crucible, command: str, sampler: str
) -> None:
    study = write_study(home, fake(sampler={"name": sampler}, objective=["accuracy", "tokens"]))
    outcome = crucible(command, study)
    assert outcome.code == 2
    (line,) = outcome.err.strip().splitlines()
    assert line.startswith(f"crucible: {study}:")
    assert f"sampler: {sampler} serves one objective, found 2; write one of auto, tpe" in line
    assert made(home) == [], "nothing ran"


def test_check_says_who_proposes_and_what_budget_would_fit(home: Path, crucible: Crucible) -> None:
    outcome = crucible("check", write_study(home, fake()))
    assert outcome.code == 0, outcome.err
    assert f"  sampler   {AUTO}\n" in outcome.out
    (warning,) = [line for line in outcome.out.splitlines() if SMALL in line]
    assert warning.startswith("  warning   budget.trials: 4 are few")
    assert FIT in warning
    found = json.loads(crucible("check", home / "study.yaml", "--json").out)
    assert (found["sampler"], len(found["warnings"])) == (AUTO, 1)
    enough = crucible("check", write_study(home, fake(24)))
    assert "are few for a search space" not in enough.out


@pytest.mark.parametrize("more", [(), ("--workers", 1)], ids=["alone", "with workers"])
def test_check_makes_no_database(home: Path, crucible: Crucible, more: tuple[object, ...]) -> None:
    url = f"sqlite:///{home / 'new.db'}"
    assert crucible("check", write_study(home, fake()), "--storage", url, *more).code == 0
    assert made(home) == []


def test_a_folder_that_cannot_be_written_to_is_found_by_check(
    home: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access  # who tests as root may write everywhere
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != home and real(path, mode))
    outcome = crucible("check", write_study(home, fake()))
    assert outcome.code == 2
    assert f"{home} cannot be written to: make it writable" in outcome.err


def test_run_shows_it_as_a_line_of_its_own_and_status_has_it(
    home: Path, crucible: Crucible, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = crucible("run", write_study(home, fake()))
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines().count(f"sampler {AUTO}") == 1
    (warning,) = [each for each in caplog.messages if SMALL in each]
    assert FIT in warning
    assert not [each for each in caplog.messages if "sampler auto" in each]
    (line,) = json.loads(crucible("status", "--json").out)
    assert line["sampler"] == AUTO


def test_who_names_a_sampler_is_told_nothing(home: Path, crucible: Crucible) -> None:
    outcome = crucible("run", write_study(home, fake(sampler={"name": "random"})))
    assert outcome.code == 0, outcome.err
    assert "sampler" not in outcome.out
