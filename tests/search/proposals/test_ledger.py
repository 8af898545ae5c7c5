"""Optuna's ledger: the same proposals from the same seed, whatever happened to the process in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search.proposals import ledger as trials
from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SAMPLERS, SamplerSpec

SPACE: dict[str, BaseDistribution] = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(3)}
START = [{"x0": 0.5, "x1": 0.5, "x2": 0.5}]


def ledger(path: Path, sampler: str = "tpe", seed: int = 0, space: dict[str, Any] | None = None) -> Ledger:
    return open_ledger("s", f"sqlite:///{path}", SamplerSpec(name=sampler, seed=seed), space or SPACE, START)


def objective(params: dict[str, float]) -> float:
    return -sum((value - 0.3) ** 2 for value in params.values() if isinstance(value, float))


def proposals(path: Path, count: int, *, die_at: int | None = None, **options: Any) -> list[dict[str, Any]]:
    """Run to `count` trials; at `die_at`, forget everything between proposing and telling, and start anew."""
    book, seen = ledger(path, **options), []
    while book.count(finished=True) < count:
        trial = book.propose()
        if trial.number == die_at:
            book, die_at = ledger(path, **options), None
            continue
        seen.append(trial.params)
        book.tell(trial, objective(trial.params))
    return seen


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_proposes_the_same(tmp_path: Path, sampler: str) -> None:
    once = proposals(tmp_path / "a.db", 16, sampler=sampler)
    assert once == proposals(tmp_path / "b.db", 16, sampler=sampler)
    assert once != proposals(tmp_path / "c.db", 16, sampler=sampler, seed=1)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_process_that_died_changes_no_proposal(tmp_path: Path, sampler: str) -> None:
    undisturbed = proposals(tmp_path / "a.db", 16, sampler=sampler)
    assert proposals(tmp_path / "b.db", 16, sampler=sampler, die_at=13) == undisturbed


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("number", [3, 13])
def test_a_process_that_died_between_two_parameters_changes_no_proposal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str, number: int
) -> None:
    undisturbed = proposals(tmp_path / "a.db", number + 1, sampler=sampler)
    proposals(tmp_path / "b.db", number, sampler=sampler)

    def die_at_the_last(trial: optuna.trial.Trial, name: str, distribution: BaseDistribution) -> None:
        if name == "x2":
            raise KeyboardInterrupt
        suggest(trial, name, distribution)

    suggest = trials._suggest
    with monkeypatch.context() as patch:
        patch.setattr(trials, "_suggest", die_at_the_last)
        with pytest.raises(KeyboardInterrupt):
            ledger(tmp_path / "b.db", sampler=sampler).propose()
    assert ledger(tmp_path / "b.db", sampler=sampler).propose().params == undisturbed[number]


def test_no_two_proposals_are_the_same(tmp_path: Path) -> None:
    seen = [tuple(params.values()) for params in proposals(tmp_path / "a.db", 14)]
    assert len(set(seen)) == len(seen)


def test_the_starting_points_come_first_and_once(tmp_path: Path) -> None:
    first = proposals(tmp_path / "a.db", 2)
    assert first[0] == START[0]
    assert first[1] != START[0]
    assert START[0] not in proposals(tmp_path / "a.db", 4)


def test_a_failed_trial_is_finished_and_teaches_nothing(tmp_path: Path) -> None:
    book = ledger(tmp_path / "a.db")
    book.fail(book.propose())
    assert (book.count(), book.count(finished=True)) == (1, 1)
    assert book.study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)) == []


def test_choices_and_numbers_are_both_proposed(tmp_path: Path) -> None:
    space = {**SPACE, "method": CategoricalDistribution(("ties", "linear"))}
    start = {**START[0], "method": "linear"}
    book = open_ledger("s", f"sqlite:///{tmp_path}/a.db", SamplerSpec(), space, [start])
    assert book.propose().params == start
