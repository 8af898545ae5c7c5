"""The leaderboard ranks by what was judged, and its conclusion claims no more than that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from evaluators.score import wilson
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.rows import CandidateKind
from studies.verdicts.leaderboard import Row, build_leaderboard, conclusion
from studies.verdicts.paired import Difference, paired_difference
from tests.studies.builders import enter, make_recipe, make_results, make_slice

SEARCH, HOLDOUT = 10, 100


class Study:
    """A study of two slices; a candidate is entered with how many of each slice's items it gets right."""

    def __init__(self, store: StudyStore) -> None:
        self.store = store
        self.id = store.begin("tiny", {})
        self.search = [make_slice("gsm8k", n=SEARCH), make_slice("math", n=SEARCH)]
        self.holdout = [make_slice("gsm8k", "holdout", HOLDOUT), make_slice("math", "holdout", HOLDOUT)]
        store.add_slices(self.id, [*self.search, *self.holdout])

    def add(
        self,
        name: str,
        kind: CandidateKind,
        weight: float,
        search: Sequence[int] = (5, 5),
        holdout: Sequence[int] = (),
        *,
        asked: int = HOLDOUT,
    ) -> str:
        trial = int(name.split()[1]) if kind == "trial" else None
        digest = enter(self.store, self.id, kind, name, weight, trial)
        for part, correct in zip(self.search, search, strict=False):
            self.store.record(digest, part.digest, make_results(item < correct for item in range(part.n)))
        for part, correct in zip(self.holdout, holdout, strict=False):
            self.store.record(digest, part.digest, make_results(item < correct for item in range(asked)))
        return digest

    def rows(self) -> list[Row]:
        return build_leaderboard(self.store, "tiny")

    def names(self) -> list[str]:
        return [row.name for row in self.rows()]


@pytest.fixture
def study(sqlite_url: str) -> Iterator[Study]:
    with StudyStore(sqlite_url) as store:
        yield Study(store)


def add_baselines(study: Study) -> None:
    study.add("base", "base", 0.0, (3, 3), (30, 30))
    study.add("math", "expert", 0.1, (2, 9), (20, 80))
    study.add("gsm8k", "expert", 0.2, (9, 2), (90, 20))
    study.add("uniform", "uniform", 0.3, (6, 6), (60, 60))


def test_the_judged_come_first_by_holdout_mean_then_the_others_by_search_mean(study: Study) -> None:
    add_baselines(study)
    study.add("trial 0", "trial", 0.4, (10, 10))
    study.add("trial 1", "trial", 0.5, (7, 7), (70, 90))
    study.add("trial 2", "trial", 0.6, (4, 4))
    study.add("trial 3", "trial", 0.7, (8, 8), (70, 70))
    expected = ["trial 1", "trial 3", "uniform", "gsm8k", "math", "base", "trial 0", "trial 2"]
    assert study.names() == expected


def test_equal_candidates_rank_by_kind_and_trial(study: Study) -> None:
    for name in ("trial 10", "trial 9", "trial 0"):
        study.add(name, "trial", 0.1)
    study.add("uniform", "uniform", 0.1)
    study.add("math", "expert", 0.1)
    study.add("code", "expert", 0.1)
    assert study.names() == ["code", "math", "uniform", "trial 0", "trial 9", "trial 10"]


def test_a_mean_over_some_of_the_search_items_ranks_after_all_full_ones(study: Study) -> None:
    study.add("trial 0", "trial", 0.1, (10,))
    study.add("trial 1", "trial", 0.2, (1, 1))
    study.add("trial 2", "trial", 0.3, ())
    assert study.names() == ["trial 1", "trial 0", "trial 2"]


def test_who_was_not_asked_every_holdout_item_is_not_judged(study: Study) -> None:
    add_baselines(study)
    study.add("trial 0", "trial", 0.5, holdout=(99, 99), asked=HOLDOUT - 1)
    study.add("trial 1", "trial", 0.6, holdout=(100,))
    for row in study.rows()[-2:]:
        assert row.name in {"trial 0", "trial 1"}
        assert (row.holdout_mean, row.holdout, row.vs_best_expert, row.vs_uniform) == (None, {}, None, None)


def test_failed_and_running_candidates_are_left_out(study: Study) -> None:
    study.add("trial 0", "trial", 0.1)
    study.store.finish_candidate(study.id, "trial", "trial 0", "NaN in model.norm.weight")
    study.store.register_candidate(study.id, "trial", "trial 1", 1, study.store.add_recipe(make_recipe(0.2)))
    assert study.rows() == []


def test_the_best_expert_is_the_one_with_the_best_holdout_mean(study: Study) -> None:
    add_baselines(study)
    study.add("trial 0", "trial", 0.5, holdout=(90, 80))
    top = study.rows()[0]
    a, b = (
        {
            "gsm8k": dict(enumerate([True] * gsm8k + [False] * (HOLDOUT - gsm8k))),
            "math": dict(enumerate([True] * math + [False] * (HOLDOUT - math))),
        }
        for gsm8k, math in ((90, 80), (90, 20))
    )
    assert top.vs_best_expert == paired_difference(a, b, 0.975)
    assert top.vs_best_expert.mean == pytest.approx(0.3)
    assert top.vs_uniform is not None
    assert top.vs_uniform.mean == pytest.approx(0.25)


def test_a_candidate_differs_from_itself_by_nothing(study: Study) -> None:
    add_baselines(study)
    rows = {row.name: row for row in study.rows()}
    assert rows["gsm8k"].vs_best_expert == Difference(0.0, 0.0, 0.0, 2 * HOLDOUT)
    assert rows["uniform"].vs_uniform == Difference(0.0, 0.0, 0.0, 2 * HOLDOUT)


def test_intervals_widen_with_the_number_of_merges_judged(study: Study) -> None:
    add_baselines(study)
    study.add("trial 0", "trial", 0.5, holdout=(90, 80))
    alone = study.rows()[0].vs_uniform
    study.add("trial 1", "trial", 0.6, holdout=(50, 50))
    study.add("trial 2", "trial", 0.6, holdout=(50, 50))  # the same merge found twice is one comparison
    among = study.rows()[0].vs_uniform
    assert alone is not None
    assert among is not None
    ratio = (among.high - among.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(2.497705 / 2.241403, rel=1e-4)


def test_json_has_the_fields_that_scripts_rely_on(study: Study) -> None:
    add_baselines(study)
    digest = study.add("trial 7", "trial", 0.5, (7, 8), (90, 80))
    study.add("trial 8", "trial", 0.6, (1, 2))
    rows = [row.to_json() for row in study.rows()]
    assert json.loads(json.dumps(rows)) == rows
    top, last = rows[0], rows[-1]
    score = wilson(90, HOLDOUT)
    assert list(top) == [
        "name",
        "kind",
        "trial",
        "digest",
        "search",
        "holdout",
        "holdout_mean",
        "vs_best_expert",
        "vs_uniform",
    ]
    assert (top["name"], top["kind"], top["trial"], top["digest"]) == ("trial 7", "trial", 7, digest)
    assert top["search"] == {"gsm8k": {"mean": 0.7, "n": 10}, "math": {"mean": 0.8, "n": 10}}
    assert top["holdout"]["gsm8k"] == {"mean": 0.9, "n": 100, "low": score.low, "high": score.high}
    assert top["holdout_mean"] == pytest.approx(0.85)
    assert set(top["vs_best_expert"]) == set(top["vs_uniform"]) == {"mean", "low", "high"}
    assert (last["name"], last["holdout_mean"], last["vs_uniform"]) == ("trial 8", None, None)


def test_an_unknown_study_is_refused(study: Study) -> None:
    with pytest.raises(StudyNotFound, match="did you mean tiny"):
        build_leaderboard(study.store, "tinny")


def test_the_conclusion_names_a_proven_winner_with_its_intervals(study: Study) -> None:
    add_baselines(study)
    study.add("trial 7", "trial", 0.5, holdout=(90, 80))
    said = conclusion(study.rows())
    assert said.startswith(
        "trial 7 (85.0% of holdout items) is best, proven better than the best expert and the uniform merge."
    )
    assert "+30.0 points against the best expert (95% interval +24." in said
    assert "+25.0 points against the uniform merge (95% interval +" in said


def test_the_conclusion_says_what_is_not_proven(study: Study) -> None:
    study.add("math", "expert", 0.1, holdout=(40, 50))
    study.add("uniform", "uniform", 0.3, holdout=(60, 60))
    study.add("trial 7", "trial", 0.5, holdout=(61, 60))
    assert conclusion(study.rows()).startswith(
        "trial 7 (60.5% of holdout items) is best, proven better than the best expert,"
        " but not proven better than the uniform merge. It has +15.5 points against the best expert"
    )


def test_the_conclusion_says_plainly_that_nothing_beat_the_baselines(study: Study) -> None:
    add_baselines(study)
    study.add("trial 7", "trial", 0.5, holdout=(60, 60))
    assert conclusion(study.rows()).startswith(
        "Nothing that the search found beat the baselines:"
        " uniform (60.0% of holdout items) is best, then trial 7 (60.0% of holdout items)."
    )


def test_the_conclusion_of_an_unfinished_study_claims_nothing(study: Study) -> None:
    assert conclusion(study.rows()) == "No candidate was judged on all holdout items yet."
    add_baselines(study)
    assert conclusion(study.rows()).startswith(
        "No merge that the search found was judged yet; of the others uniform"
    )


def test_a_merge_without_baselines_to_compare_with_is_best_of_nothing_more(study: Study) -> None:
    study.add("trial 0", "trial", 0.5, holdout=(60, 60))
    assert conclusion(study.rows()) == "trial 0 (60.0% of holdout items) is best."
