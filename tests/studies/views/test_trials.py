"""Trials page by page, those that are new, the best so far, and where their time went."""

from __future__ import annotations

import pytest

from evaluators.score import Accuracy, wilson
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.verdicts.savings import savings
from studies.verdicts.steering import search_scores
from studies.views.curve import curves
from studies.views.spent import spent
from studies.views.tallies import Tallies
from studies.views.trials import one_trial, trials_page, trials_since
from tests.studies.views.made import NAMES, Made, make_study, tell_optuna


@pytest.fixture
def made(store: StudyStore, url: str) -> Made:
    """Complete, complete and better, failed, stopped early, complete and worse, running."""
    made = make_study(store, racing={"on": True})
    made.baselines()
    made.trial(0, (2, 3))
    made.trial(1, (3, 4))
    made.fail(2)
    made.prune(3, (1, 1))
    made.trial(4, (1, 1))
    made.run(5)
    states = [("COMPLETE", [0.625]), ("COMPLETE", [0.875]), ("FAIL", []), ("PRUNED", [0.9375])]
    tell_optuna(url, "made", [(state, values, {}) for state, values in (*states, ("COMPLETE", [0.25]))])
    return made


def test_a_trial_tells_its_score_with_interval_and_items(made: Made) -> None:
    view = one_trial(made.store, Tallies(), made.id, 1)
    assert view.worths is not None
    assert (view.worths[0].value, view.worths[0].n, view.asked, view.items) == (0.875, 8, 8, 8)
    assert view.slices == {"gsm8k": wilson(3, 4), "math": wilson(4, 4)}
    assert search_scores(made.store, made.id, [view.digest]) == {view.digest: view.worths[0].value}
    assert view.seconds is not None


def test_one_that_was_stopped_early_has_an_estimate_and_no_score(made: Made) -> None:
    view = one_trial(made.store, Tallies(), made.id, 3)
    assert (view.state, view.worths, view.estimate, view.asked, view.items) == ("pruned", None, 0.9375, 4, 8)
    assert view.reason == "unlikely to beat the best"
    score = view.slices["gsm8k"]
    assert isinstance(score, Accuracy)
    assert score.n == 2


def test_one_that_failed_says_why_and_one_that_runs_has_no_end(made: Made) -> None:
    failed, running = (one_trial(made.store, Tallies(), made.id, number) for number in (2, 5))
    assert (failed.state, failed.reason, failed.failure) == ("failed", "it holds <NaN>", "not finite")
    assert (failed.worths, failed.estimate, failed.asked) == (None, None, 0)
    assert (running.state, running.ended_at, running.seconds) == ("running", None, None)
    with pytest.raises(StudyNotFound, match="study 'made' has no trial 9"):
        one_trial(made.store, Tallies(), made.id, 9)


@pytest.mark.parametrize(
    ("order", "numbers"),
    [("number", [0, 1, 2, 3]), ("newest", [5, 4, 3, 2]), ("best", [1, 0, 4, 2])],
)
def test_pages_have_an_order(made: Made, order: str, numbers: list[int]) -> None:
    first = trials_page(made.store, Tallies(), made.id, size=4, order=order)  # type: ignore[arg-type]
    assert ([row.number for row in first.rows], first.total) == (numbers, 6)
    rest = trials_page(made.store, Tallies(), made.id, offset=4, size=4, order=order)  # type: ignore[arg-type]
    assert sorted([row.number for row in (*first.rows, *rest.rows)]) == list(range(6))


def test_whoever_asks_for_what_is_new_misses_nothing(made: Made) -> None:
    tallies = Tallies()
    assert [each.number for each in trials_since(made.store, tallies, made.id, 4)] == [5]
    made.store.finish_candidate(made.id, "trial", "trial 5", "gone", "engine")
    made.trial(6, (4, 4))
    new = trials_since(made.store, tallies, made.id, 5, (5,))
    assert [(each.number, each.state) for each in new] == [(5, "failed"), (6, "complete")]
    assert trials_since(made.store, tallies, made.id, 6) == []


def test_answers_are_read_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from studies.views import tallies as room

    known = Tallies()
    before = trials_page(made.store, known, made.id).rows
    asked: list[str] = []
    real = room.read_sums
    monkeypatch.setattr(
        room, "read_sums", lambda s, subjects, parts: asked.extend(subjects) or real(s, subjects, parts)
    )
    assert trials_page(made.store, known, made.id).rows == before
    running = next(row.digest for row in before if row.state == "running")
    assert asked == [running]


def test_what_was_stopped_early_and_is_taken_up_again_is_read_again(made: Made) -> None:
    known = Tallies()
    digest = one_trial(made.store, known, made.id, 3).digest
    made.answers(digest, "search", (4, 4))
    assert one_trial(made.store, known, made.id, 3).asked == 4, "nobody knows yet"
    made.store.finish_candidate(made.id, "trial", "trial 3")
    again = one_trial(made.store, known, made.id, 3)
    assert (again.asked, again.worths is not None) == (8, True)


def test_the_curve_climbs_and_leaves_estimates_out(made: Made) -> None:
    (curve,) = curves(made.store, Tallies(), made.id)
    assert [point.best for point in curve.points] == [0.625, 0.875, 0.875, 0.875, 0.875]
    assert [point.score for point in curve.points] == [0.625, 0.875, None, None, 0.25]
    assert [point.estimate for point in curve.points] == [None, None, None, 0.9375, None]
    assert all(p.low <= p.score <= p.high for p in curve.points if p.score is not None)  # type: ignore[operator]
    assert {name: worth.value for name, worth in curve.baselines.items()} == {
        "base": 0.25, NAMES[0]: 0.625, NAMES[1]: 0.5, "uniform": 0.5,
    }  # fmt: skip
    (rest,) = curves(made.store, Tallies(), made.id, after=3)
    assert [(point.number, point.best) for point in rest.points] == [(4, 0.875)]


def test_there_is_a_curve_for_each_goal_and_fewer_tokens_are_better(store: StudyStore) -> None:
    made = make_study(store, objective=["gsm8k", "tokens"])
    made.trial(0, (2, 3))
    made.trial(1, (1, 4))
    by_goal = {curve.goal.name: curve for curve in curves(store, Tallies(), made.id)}
    assert [point.score for point in by_goal["gsm8k"].points] == [0.5, 0.25]
    assert [point.score for point in by_goal["tokens"].points] == [11.5, 11.5]
    assert [point.best for point in by_goal["tokens"].points] == [11.5, 11.5]


def test_a_study_without_trials_has_an_empty_curve(store: StudyStore) -> None:
    made = make_study(store)
    assert [curve.points for curve in curves(store, Tallies(), made.id)] == [()]
    assert trials_page(store, Tallies(), made.id).rows == ()
    assert spent(store, Tallies(), made.id).mean is None


def test_time_is_parted_and_what_racing_spared_is_what_verdicts_say(made: Made) -> None:
    found = spent(made.store, Tallies(), made.id)
    assert [each.number for each in found.trials] == [0, 1, 2, 3, 4]
    assert [each.tokens for each in found.trials] == [92, 92, 0, 42, 92]
    assert all(each.total >= each.answering >= 0 <= each.other for each in found.trials)
    assert found.savings == savings(made.store, made.id)
    assert found.savings is not None
    assert (found.savings.pruned, found.savings.items, found.savings.items_saved) == (1, 32, 4)
    assert found.savings.tokens_saved == 42
    assert found.mean is not None
    assert (found.mean.number, found.mean.tokens) == (5, round(318 / 5))
