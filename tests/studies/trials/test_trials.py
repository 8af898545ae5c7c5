"""Optuna's trials, each change one transaction: whole, once, and Optuna's to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, select

from studies.errors import StorageLost, TrialClosed
from studies.store.connect import writing
from studies.trials import Trials
from studies.trials import trials as room
from studies.trials.tables import system_attributes, trials, user_attributes

optuna = pytest.importorskip("optuna")

DISTRIBUTION = (
    '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}'
)
DRAWN = {f"x{i}": (i / 10, DISTRIBUTION) for i in range(10)}


@pytest.fixture
def study(url: str) -> Iterator[Trials]:
    storage = optuna.storages.RDBStorage(url)
    optuna.create_study(study_name="s", storage=storage, direction="maximize")
    storage.remove_session()
    storage.engine.dispose()
    with closing(Trials(url, "s")) as study:
        yield study


def as_optuna_has_them(url: str) -> list[Any]:
    storage = optuna.storages.RDBStorage(url)
    try:
        return list(optuna.load_study(study_name="s", storage=storage).trials)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def test_the_tables_are_optunas(url: str, study: Trials) -> None:
    storage = optuna.storages.RDBStorage(url)
    assert storage.get_head_version() == storage.get_current_version() == "v3.2.0.a"
    storage.remove_session()
    storage.engine.dispose()
    engine = create_engine(url)
    for table in trials.metadata.tables.values():
        there = {column["name"] for column in inspect(engine).get_columns(table.name)}
        assert {column.name for column in table.columns} <= there
    engine.dispose()


def test_what_waits_begins_first_and_numbers_count_on(url: str, study: Trials) -> None:
    points = [{"x0": 0.25}, {"x0": 0.5}]
    study.enqueue(points, "fixed_params")
    study.enqueue([*points, {"x0": 0.75}, {"x0": 0.75}], "fixed_params")
    assert study.standing().counts == {"WAITING": 3}, "what waits already does not wait twice"
    assert [study.begin() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert ([*study.standing().running], study.standing().counts) == ([0, 1, 2, 3, 4], {"RUNNING": 5})
    given = [trial.system_attrs.get("fixed_params") for trial in as_optuna_has_them(url)]
    assert given == [*points, {"x0": 0.75}, None, None]


def test_eight_who_begin_at_once_begin_each_another_trial(url: str, study: Trials) -> None:
    study.enqueue([{"x0": i / 10} for i in range(5)], "fixed_params")

    def begin(_: int) -> list[int]:
        with closing(Trials(url, "s")) as own:
            return [own.begin() for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        begun = [number for numbers in pool.map(begin, range(8)) for number in numbers]
    assert sorted(begun) == list(range(80))
    assert [trial.number for trial in as_optuna_has_them(url)] == list(range(80))


def test_a_trial_is_filled_once_and_whole(url: str, study: Trials) -> None:
    number = study.begin()
    before = study.read()[0]
    assert study.fill(before, DRAWN, {"generation": 1}, {"parents": [3]})
    other = dict.fromkeys(DRAWN, (0.9, DISTRIBUTION))
    assert not study.fill(before, other, {"generation": 2}, {"parents": [4]}), "somebody was faster"
    (stored,) = study.read()
    assert (stored.params, stored.attributes) == (DRAWN, {"generation": 1})
    assert study.study_attributes() == {"parents": [3]}
    study.end(number, "FAIL")
    assert not study.fill(replace(before, params=DRAWN), {"y": (0.5, DISTRIBUTION)}, {}, {}), "it has ended"
    (trial,) = as_optuna_has_them(url)
    assert trial.params == {name: value for name, (value, _) in DRAWN.items()}
    assert list(trial.params) == list(DRAWN)


def test_of_eight_who_fill_at_once_one_is_first(url: str, study: Trials) -> None:
    study.begin()
    (before,) = study.read()

    def fill(i: int) -> bool:
        with closing(Trials(url, "s")) as own:
            return own.fill(before, dict.fromkeys(DRAWN, (i / 10, DISTRIBUTION)), {"by": i}, {})

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(fill, range(8)))
    assert sum(won) == 1
    (stored,) = study.read()
    first = won.index(True)
    assert stored.attributes == {"by": first}
    assert {value for value, _ in stored.params.values()} == {first / 10}


def test_only_what_is_new_or_not_finished_is_read_again(study: Trials) -> None:
    for _ in range(3):
        study.begin()
    study.end(1, "COMPLETE", (0.5,))
    first = study.read()
    assert [(trial.number, trial.finished, trial.value) for trial in first] == [
        (0, False, None),
        (1, True, 0.5),
        (2, False, None),
    ]
    study.end(0, "COMPLETE", (float("-inf"),))
    study.begin()
    again = study.read(first[-1].id, [first[0].id])
    assert [(trial.number, trial.value) for trial in again] == [(0, float("-inf")), (3, None)]


def test_how_a_trial_ended_is_said_once(study: Trials) -> None:
    number = study.begin()
    study.end(number, "COMPLETE", (0.5,))
    study.end(number, "COMPLETE", (0.5,))
    for state, told in (("COMPLETE", (0.25,)), ("FAIL", ())):
        with pytest.raises(TrialClosed, match="trial 0 has ended already, as COMPLETE; it stays as it is"):
            study.end(number, state, told)  # type: ignore[arg-type]


def test_a_pruned_trial_has_its_estimate_and_what_it_reported(url: str, study: Trials) -> None:
    number = study.begin()
    study.end(number, "PRUNED", (0.25,), (40, 0.25))
    study.end(number, "PRUNED", (0.25,), (40, 0.25))
    with pytest.raises(TrialClosed, match="trial 0 has ended already, as PRUNED"):
        study.end(number, "COMPLETE", (0.25,))
    (trial,) = as_optuna_has_them(url)
    assert (trial.state.name, trial.value, trial.intermediate_values) == ("PRUNED", 0.25, {40: 0.25})
    assert study.standing().finished == 1
    assert [(each.state, each.values) for each in study.read()] == [("PRUNED", (0.25,))]


def test_a_trial_has_a_value_per_objective(study: Trials) -> None:
    told = (0.5, float("inf"), -40.0)
    study.end(study.begin(), "COMPLETE", told)
    study.end(study.begin(), "FAIL")
    assert [(each.values, each.value) for each in study.read()] == [(told, 0.5), ((), None)]
    with pytest.raises(TrialClosed, match="trial 0 has ended already"):
        study.end(0, "COMPLETE", (0.5, float("inf"), -41.0))


def test_two_studies_share_a_database_and_nothing_else(url: str, study: Trials) -> None:
    storage = optuna.storages.RDBStorage(url)
    optuna.create_study(study_name="other", storage=storage)
    storage.remove_session()
    storage.engine.dispose()
    with closing(Trials(url, "other")) as other:
        assert [study.begin(), other.begin(), study.begin()] == [0, 0, 1]
        other.end(0, "COMPLETE", (1.0,))
        assert (study.standing().counts, other.standing().counts) == ({"RUNNING": 2}, {"COMPLETE": 1})
        assert ([*study.standing().running], [*other.standing().running]) == ([0, 1], [])


def losing_the_answer() -> Callable[[Engine], Any]:
    """Transactions that are committed; of the first one the answer gets lost on its way."""
    lost = iter([True])

    @contextmanager
    def write(engine: Engine) -> Iterator[Connection]:
        with writing(engine) as connection:
            yield connection
        if next(lost, False):
            raise StorageLost("the line broke")

    return write


def test_what_was_done_and_its_answer_lost_is_not_done_twice(
    study: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.wait = lambda seconds: None
    study.enqueue([{"x0": 0.5}], "fixed_params")
    steps: list[Callable[[], Any]] = [
        study.begin,
        study.begin,
        lambda: study.note(study.read()[1], "recipe", "digest"),
        lambda: study.end(1, "COMPLETE", (0.5,)),
        lambda: study.enqueue([{"x0": 0.75}], "fixed_params"),
    ]
    done = []
    for step in steps:
        monkeypatch.setattr(room, "writing", losing_the_answer())
        done.append(step())
    assert done[:2] == [0, 1]
    assert study.standing().counts == {"RUNNING": 1, "COMPLETE": 1, "WAITING": 1}
    with study.engine.connect() as connection:
        assert len(connection.execute(select(user_attributes)).all()) == 1
        assert len(connection.execute(select(system_attributes)).all()) == 2


def test_what_was_drawn_and_its_answer_lost_is_what_the_trial_has(
    study: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.wait = lambda seconds: None
    study.begin()
    monkeypatch.setattr(room, "writing", losing_the_answer())
    assert not study.fill(study.read()[0], DRAWN, {}, {}), "it looks as if another one was faster"
    assert study.read()[0].params == DRAWN, "so the trial is read again, and is complete"
