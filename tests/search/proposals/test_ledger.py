"""Optuna's ledger: the same proposals from the same seed, whatever happened to the process in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SAMPLERS, SamplerSpec
from studies.errors import TrialClosed

SPACE: dict[str, BaseDistribution] = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(3)}
START = [{"x0": 0.5, "x1": 0.5, "x2": 0.5}]


def open_at(url: str, sampler: str = "tpe", seed: int = 0, space: dict[str, Any] | None = None) -> Ledger:
    return open_ledger("s", url, SamplerSpec(name=sampler, seed=seed), space or SPACE, START)


def objective(params: Mapping[str, float]) -> float:
    return -sum((value - 0.3) ** 2 for value in params.values() if isinstance(value, float))


def proposals(url: str, count: int, *, die_at: int | None = None, **options: Any) -> list[Mapping[str, Any]]:
    """Run to `count` trials; at `die_at`, forget everything between drawing and telling, and start anew."""
    book, seen = open_at(url, **options), []
    while book.standing().finished < count:
        number = (book.standing().running or [book.create()])[0]
        params = book.draw(number).params
        if number == die_at:
            book.close()
            book, die_at = open_at(url, **options), None
            continue
        seen.append(params)
        book.tell(number, objective(params))
    book.close()
    return seen


def file(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def book(url: str) -> Iterator[Ledger]:
    with closing(open_at(url)) as book:
        yield book


def as_optuna_has_it(url: str) -> list[optuna.trial.FrozenTrial]:
    storage = optuna.storages.RDBStorage(url)
    trials = optuna.load_study(study_name="s", storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    return trials


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_proposes_the_same(tmp_path: Path, sampler: str) -> None:
    once = proposals(file(tmp_path / "a.db"), 16, sampler=sampler)
    assert once == proposals(file(tmp_path / "b.db"), 16, sampler=sampler)
    assert once != proposals(file(tmp_path / "c.db"), 16, sampler=sampler, seed=1)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_process_that_died_changes_no_proposal(tmp_path: Path, sampler: str) -> None:
    undisturbed = proposals(file(tmp_path / "a.db"), 16, sampler=sampler)
    assert proposals(file(tmp_path / "b.db"), 16, sampler=sampler, die_at=13) == undisturbed


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("number", [3, 13])
def test_a_process_that_died_before_it_drew_changes_no_proposal(
    tmp_path: Path, sampler: str, number: int
) -> None:
    undisturbed = proposals(file(tmp_path / "a.db"), number + 1, sampler=sampler)
    proposals(file(tmp_path / "b.db"), number, sampler=sampler)
    with closing(open_at(file(tmp_path / "b.db"), sampler=sampler)) as book:
        assert book.create() == number
    with closing(open_at(file(tmp_path / "b.db"), sampler=sampler)) as book:
        assert book.standing().running == (number,)
        assert book.draw(number).params == undisturbed[number]


def test_no_two_proposals_are_the_same(tmp_path: Path) -> None:
    seen = [tuple(params.values()) for params in proposals(file(tmp_path / "a.db"), 14)]
    assert len(set(seen)) == len(seen)


def test_the_starting_points_come_first_and_once(url: str) -> None:
    first = proposals(url, 2)
    assert first[0] == START[0]
    assert first[1] != START[0]
    assert START[0] not in proposals(url, 4)


def test_a_trial_is_begun_drawn_and_told(book: Ledger) -> None:
    assert ([*book.standing().running], book.standing().begun) == ([], 0), "what waits has not begun"
    number = book.create()
    assert (number, [*book.standing().running], book.standing().begun) == (0, [0], 1)
    assert book.draw(number).number == number
    book.tell(number, 0.5)
    assert ([*book.standing().running], book.standing().begun, book.standing().finished) == ([], 1, 1)


def test_what_is_drawn_stays_whoever_asks(url: str, book: Ledger) -> None:
    book.create()
    number = book.create()
    drawn = book.draw(number)
    assert book.draw(number) == drawn
    with closing(open_at(url, seed=1)) as other:
        assert other.draw(number) == drawn


def test_a_failed_trial_is_finished_and_teaches_nothing(url: str, book: Ledger) -> None:
    book.fail(book.create())
    book.tell(book.create(), float("nan"))
    assert (book.standing().begun, book.standing().finished) == (2, 2)
    states = [trial.state for trial in as_optuna_has_it(url)]
    assert states == [optuna.trial.TrialState.FAIL] * 2


def test_the_first_word_on_a_trial_stands(url: str, book: Ledger) -> None:
    number = book.create()
    book.tell(number, 0.25)
    book.tell(number, 0.25)  # a word that the database took, and whose answer was lost, is said again
    for otherwise in (lambda: book.tell(number, 0.5), lambda: book.fail(number)):
        with pytest.raises(TrialClosed, match="trial 0 has ended already, as COMPLETE"):
            otherwise()
    assert as_optuna_has_it(url)[0].value == 0.25


def test_a_pruned_trial_is_finished_and_optuna_shows_its_estimate(url: str, book: Ledger) -> None:
    number = book.create()
    book.draw(number)
    book.prune(number, 0.25, items=40)
    book.prune(number, 0.25, items=40)
    for otherwise in (lambda: book.tell(number, 0.25), lambda: book.prune(number, 0.5, items=40)):
        with pytest.raises(TrialClosed, match="trial 0 has ended already, as PRUNED"):
            otherwise()
    assert (book.standing().running, book.standing().finished) == ((), 1)
    (trial,) = as_optuna_has_it(url)[:1]
    assert trial.state == optuna.trial.TrialState.PRUNED
    assert (trial.value, trial.intermediate_values) == (0.25, {40: 0.25})


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samplers_learn_from_an_estimate_as_from_a_score(tmp_path: Path, sampler: str) -> None:
    def run(path: Path, *, pruned: bool) -> list[Mapping[str, Any]]:
        with closing(open_at(file(path), sampler=sampler)) as book:
            seen = []
            for _ in range(16):
                number = book.create()
                seen.append(book.draw(number).params)
                if pruned and number % 3 == 2:
                    book.prune(number, objective(seen[-1]), items=10)
                else:
                    book.tell(number, objective(seen[-1]))
            book.history.refresh()
            assert book.history.scored()[1].tolist() == [objective(params) for params in seen]
            return seen

    assert run(tmp_path / "a.db", pruned=True) == run(tmp_path / "b.db", pruned=False)


def test_nothing_that_a_program_would_have_to_trust_is_kept(tmp_path: Path) -> None:
    """No pickles, no state of a sampler: parameters, values, and what `auto` chose."""
    for sampler in ("auto", "gp", "cmaes", "qmc", "tpe", "random"):
        proposals(file(tmp_path / f"{sampler}.db"), 24, sampler=sampler)
        for trial in as_optuna_has_it(file(tmp_path / f"{sampler}.db")):
            assert set(trial.system_attrs) <= {"fixed_params", "tpe:relative_params"}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "auto", "qmc"])
def test_several_objectives_are_told_and_learned_from(tmp_path: Path, sampler: str) -> None:
    def run(path: Path, *, die_at: int | None = None) -> list[Mapping[str, Any]]:
        seen = []
        while len(seen) < 60:
            directions = ("maximize", "minimize")
            spec = SamplerSpec(name=sampler)
            with closing(open_ledger("s", file(path), spec, SPACE, START, directions=directions)) as book:
                while len(seen) < 60:
                    number = book.create()
                    seen.append(book.draw(number).params)
                    x = seen[-1]
                    book.tell(number, (-((x["x0"] - 0.3) ** 2), (x["x1"] - 0.7) ** 2))
                    if number == die_at:
                        break
        return seen

    seen = run(tmp_path / "a.db")
    assert run(tmp_path / "b.db", die_at=20) == seen
    trials = as_optuna_has_it(file(tmp_path / "a.db"))
    assert trials[5].values == [-((seen[5]["x0"] - 0.3) ** 2), (seen[5]["x1"] - 0.7) ** 2]

    def miss(some: list[Mapping[str, Any]]) -> float:
        return sum((x["x0"] - 0.3) ** 2 + (x["x1"] - 0.7) ** 2 for x in some) / len(some)

    if sampler == "tpe":
        assert miss(seen[40:]) < miss(seen[:20])


def test_of_several_objectives_one_without_a_meaning_fails_the_trial(tmp_path: Path) -> None:
    both = ("maximize", "maximize")
    with closing(
        open_ledger("s", file(tmp_path / "a.db"), SamplerSpec(), SPACE, START, directions=both)
    ) as book:
        book.tell(book.create(), (0.5, float("nan")))
        assert book.standing().counts == {"FAIL": 1}
        with pytest.raises(AssertionError, match="1 values for 2 objectives"):
            book.tell(book.create(), 0.5)


def test_a_trial_that_was_failed_elsewhere_is_not_drawn(url: str, book: Ledger) -> None:
    number = book.create()
    with closing(open_at(url)) as other:
        other.fail(number)
    with pytest.raises(TrialClosed, match="trial 0 has ended already, as FAIL, without parameters"):
        book.draw(number)


def test_choices_and_numbers_are_both_proposed(url: str) -> None:
    space = {**SPACE, "method": CategoricalDistribution(("ties", "linear"))}
    start = {**START[0], "method": "linear"}
    with closing(open_ledger("s", url, SamplerSpec(), space, [start])) as book:
        assert book.draw(book.create()).params == start


def test_optuna_reads_back_what_was_written(url: str) -> None:
    space = {**SPACE, "method": CategoricalDistribution(("ties", "linear"))}
    start = {**START[0], "method": "linear"}
    with closing(open_ledger("s", url, SamplerSpec(), space, [start])) as book:
        drawn = []
        for value in (0.5, float("inf"), -float("inf")):
            number = book.create()
            drawn.append(book.draw(number).params)
            book.note(number, f"digest {number}")
            book.tell(number, value)
        book.draw(book.create())
    trials = as_optuna_has_it(url)
    assert [trial.params for trial in trials[:3]] == drawn
    assert [list(trial.params) for trial in trials] == 4 * [list(space)]
    assert all(trial.distributions == space for trial in trials)
    assert [trial.value for trial in trials] == [0.5, float("inf"), -float("inf"), None]
    assert [trial.user_attrs for trial in trials[:3]] == [{"recipe": f"digest {i}"} for i in range(3)]
    assert trials[0].system_attrs["fixed_params"] == start
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert trials[3].state == optuna.trial.TrialState.RUNNING
    for trial in trials[:3]:
        assert trial.duration is not None
        assert 0 <= trial.duration.total_seconds() < 60, "times are in Optuna's terms"
