"""One database for both ledgers: Optuna's proposals and our evidence, whichever is opened first."""

from __future__ import annotations

import pytest

from studies.store import StudyStore
from tests.studies.builders import begin_with_slice, make_results

optuna = pytest.importorskip("optuna")


def propose(url: str) -> int:
    """Runs one more trial of Optuna's in the database; returns how many there are."""
    storage = optuna.storages.RDBStorage(url)
    try:
        study = optuna.create_study(storage=storage, study_name="tiny", load_if_exists=True)
        trial = study.ask()
        study.tell(trial, trial.suggest_float("weight", 0, 1))
        return len(study.trials)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def remember(url: str, item: int) -> int:
    """Records one more item in the database; returns how many there are."""
    with StudyStore(url) as store:
        _, recipe, part = begin_with_slice(store)
        store.record(recipe, part, make_results([True], first=item))
        return len(store.measured(recipe, part))


@pytest.mark.parametrize("first", ["optuna", "crucible"])
def test_either_may_make_the_database(url: str, first: str) -> None:
    if first == "optuna":
        assert propose(url) == 1
    assert remember(url, 0) == 1
    assert propose(url) == (2 if first == "optuna" else 1)
    assert remember(url, 1) == 2


def test_both_may_be_open_at_once(url: str) -> None:
    with StudyStore(url) as store:
        _, recipe, part = begin_with_slice(store)
        for item in range(3):
            assert propose(url) == item + 1
            store.record(recipe, part, make_results([True], first=item))
        assert store.measured(recipe, part) == {0, 1, 2}
