"""All studies at a glance, whatever state each is in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from evaluators.score import wilson
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.connect import writing
from studies.store.schema import candidates
from studies.views.studies import all_studies, one_study
from studies.views.tallies import Tallies
from studies.workers.register import join
from tests.studies.views.made import Made, make_study, tell_optuna


def ended_apart(made: Made, seconds: float) -> None:
    """Let the trials have ended one after the other, so many seconds apart."""
    c = candidates.c
    first = min(each.changed_at for each in entries(made))
    with writing(made.store.engine) as connection:
        for each in entries(made):
            if each.trial is not None:
                at = first + timedelta(seconds=seconds * each.trial)
                which = (c.study_id == made.id, c.name == each.name)
                connection.execute(update(candidates).where(*which).values(updated_at=at))


def entries(made: Made) -> list:  # type: ignore[type-arg]
    from studies.views.entries import entries_of

    return entries_of(made.store, made.id)


def test_a_study_that_has_just_begun_has_no_best_and_no_pace(store: StudyStore) -> None:
    made = make_study(store)
    (view,) = all_studies(store, Tallies())
    assert (view.name, view.id, view.trials, view.failed, view.running) == ("made", made.id, 0, 0, 0)
    assert (view.best, view.per_hour, view.left_s, view.failures, view.sampler) == (
        None,
        None,
        None,
        {},
        None,
    )
    assert (view.budget, view.hours, view.fusion) == (10, None, False)


def test_one_that_nobody_works_on_is_stopped_and_says_so(store: StudyStore) -> None:
    make_study(store)
    view = one_study(store, Tallies(), "made")
    assert (view.state, view.workers) == ("stopped", ())
    assert view.reason == "its process ended without a word; the same command continues it"


def test_progress_failures_and_the_best_with_its_interval(store: StudyStore, url: str) -> None:
    made = make_study(store)
    made.baselines()
    made.trial(0, (2, 3))
    made.trial(1, (3, 4))
    made.fail(2)
    made.fail(3, "deadline")
    made.fail(4)
    made.fail(5, None)
    made.prune(6, (0, 1))
    made.run(7)
    tell_optuna(
        url,
        "made",
        [
            ("COMPLETE", [0.625], {}),
            ("COMPLETE", [0.875], {}),
            *[("FAIL", [], {})] * 4,
            ("PRUNED", [0.9], {}),
        ],
    )
    ended_apart(made, 90)
    join(store, made.id, {"gpus": ["0"]})
    view = one_study(store, Tallies(), "made")
    assert (view.state, view.trials, view.pruned, view.failed, view.running, view.ended) == (
        "searching", 3, 1, 4, 1, 7,
    )  # fmt: skip
    assert view.failures == {"not finite": 2, "deadline": 1, "unknown": 1}
    assert view.best is not None
    assert (view.best.name, view.best.trial, view.best.worth.value, view.best.worth.n) == (
        "trial 1",
        1,
        0.875,
        8,
    )
    three, four = wilson(3, 4), wilson(4, 4)
    below = ((three.mean - three.low) ** 2 + (four.mean - four.low) ** 2) ** 0.5 / 2
    assert view.best.worth.low == pytest.approx(0.875 - below)
    assert view.per_hour == pytest.approx(40)
    assert view.left_s == pytest.approx(3 * 90), "three of ten are left"
    assert [worker.gpus for worker in view.workers] == [("0",)]


def test_the_best_is_found_without_optunas_tables_too(store: StudyStore) -> None:
    made = make_study(store)
    made.trial(0, (4, 3))
    made.trial(1, (3, 3))
    view = one_study(store, Tallies(), "made")
    assert view.best is not None
    assert (view.best.trial, view.best.worth.value) == (0, 0.875)


def test_with_failed_trials_alone_there_is_no_best(store: StudyStore) -> None:
    made = make_study(store)
    made.fail(0)
    view = one_study(store, Tallies(), "made")
    assert (view.trials, view.failed, view.best) == (0, 1, None)


def test_with_several_goals_no_trial_is_the_best(store: StudyStore) -> None:
    made = make_study(store, objective=["gsm8k", "tokens"])
    made.trial(0, (4, 3))
    view = one_study(store, Tallies(), "made")
    assert ([goal.name for goal in view.goals], view.best) == (["gsm8k", "tokens"], None)


def test_a_fusion_says_that_it_is_one(store: StudyStore) -> None:
    store.save_selection(store.begin("fused", {"parting": {"seed": 0, "share": 0.5}}), {"target": "x"})
    view = one_study(store, Tallies(), "fused")
    assert (view.fusion, view.budget, view.trials) == (True, None, 0)


def test_what_changed_last_comes_first_and_a_missing_study_is_told(store: StudyStore) -> None:
    make_study(store, "first")
    make_study(store, "second").trial(0, (1, 1))
    assert [view.name for view in all_studies(store, Tallies())] == ["second", "first"]
    with pytest.raises(StudyNotFound, match="did you mean first"):
        one_study(store, Tallies(), "frist")
