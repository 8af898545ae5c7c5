"""What candidates reached of a study's goals, as the evidence says it, and who is on the Pareto front."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from evaluators.score import wilson
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import CandidateKind
from studies.verdicts.leaderboard import build_leaderboard, conclusion, points
from studies.verdicts.steering import search_scores
from tests.studies.builders import enter, make_results, make_slice

N = 20
MODELS = {"base": {}, "math": {}, "code": {}}


class Study:
    """Two slices of 20 search and 20 holdout items; candidates are entered with how many they get right."""

    def __init__(self, store: StudyStore, objective: JSON, name: str = "tiny") -> None:
        self.store, self.name = store, name
        self.id = store.begin(name, {"study": {"objective": objective}, "models": MODELS})
        self.parts = [
            make_slice(each, split, N) for split in ("search", "holdout") for each in ("math", "code")
        ]  # type: ignore[arg-type]
        store.add_slices(self.id, self.parts)
        self.weight = 0.0

    def add(
        self,
        name: str,
        kind: CandidateKind,
        search: Sequence[int],
        holdout: Sequence[int] = (),
        tokens: int = 7,
    ) -> str:
        self.weight += 0.01
        trial = int(name.split()[1]) if kind == "trial" else None
        digest = enter(self.store, self.id, kind, name, self.weight, trial)
        for part, right in zip(self.parts, (*search, *holdout), strict=False):
            results = [replace(each, tokens=tokens) for each in make_results(i < right for i in range(N))]
            self.store.record(digest, part.digest, results)
        return digest

    def rows(self) -> Mapping[str, dict[str, JSON]]:
        found = json.loads(json.dumps([row.to_json() for row in build_leaderboard(self.store, self.name)]))
        return {row["name"]: row for row in found}


@pytest.fixture
def store(sqlite_url: str) -> Iterator[StudyStore]:
    with StudyStore(sqlite_url) as opened:
        yield opened


def test_scores_are_of_the_studys_goals_in_their_order(store: StudyStore) -> None:
    study = Study(store, ["code", {"mean": {"math": 3, "code": 1}}, "tokens"])
    digest = study.add("trial 0", "trial", (10, 5), tokens=12)
    assert search_scores(store, study.id, [digest]) == {
        digest: (0.25, pytest.approx((3 * 0.5 + 0.25) / 4), 12.0)
    }


def test_one_goal_is_one_number(store: StudyStore) -> None:
    study = Study(store, {"mean": {"math": 3, "code": 1}})
    digest = study.add("trial 0", "trial", (10, 5))
    assert search_scores(store, study.id, [digest]) == {digest: pytest.approx((3 * 0.5 + 0.25) / 4)}


def test_who_was_not_asked_everything_has_no_score(store: StudyStore) -> None:
    study = Study(store, ["accuracy", "tokens"])
    digest = study.add("trial 0", "trial", (10,))
    assert search_scores(store, study.id, [digest]) == {}
    assert study.rows()["trial 0"]["objectives"] is None


def test_the_worst_slice_is_known_once_all_experts_have_answered(store: StudyStore) -> None:
    study = Study(store, "worst_slice")
    base = study.add("base", "base", (6, 6))
    study.add("math", "expert", (16, 2))
    assert search_scores(store, study.id, [base]) == {}, "the other expert is no candidate yet"
    study.add("code", "expert", (3,))
    assert search_scores(store, study.id, [base]) == {}, "it has half of its items left"
    store.record(build_digest(study, "code"), study.parts[1].digest, make_results(i < 12 for i in range(N)))
    assert search_scores(store, study.id, [base]) == {base: pytest.approx(6.5 / 16.5)}


def build_digest(study: Study, name: str) -> str:
    return next(row.digest for row in study.store.candidates(study.id) if row.name == name)


def filled(store: StudyStore, objective: JSON) -> Study:
    study = Study(store, objective)
    study.add("base", "base", (6, 6), (5, 5), tokens=9)
    study.add("math", "expert", (18, 2), (18, 2), tokens=10)
    study.add("code", "expert", (2, 18), (2, 18), tokens=10)
    study.add("trial 0", "trial", (12, 12), (12, 11), tokens=10)
    study.add("trial 1", "trial", (12, 11), (11, 10), tokens=10)
    study.add("trial 2", "trial", (3, 3), (3, 2), tokens=4)
    study.add("trial 3", "trial", (12, 11), tokens=12)
    return study


def test_the_front_is_told_of_search_and_of_holdout_items(store: StudyStore) -> None:
    rows = filled(store, ["math", "code", "tokens"]).rows()
    fronts = {name: row["front"] for name, row in rows.items()}
    assert fronts == {
        "base": {"search": True, "holdout": True},
        "math": {"search": True, "holdout": True},
        "code": {"search": True, "holdout": True},
        "trial 0": {"search": True, "holdout": True},
        "trial 1": {"search": False, "holdout": False},
        "trial 2": {"search": True, "holdout": True},
        "trial 3": {"search": False, "holdout": None},
    }
    assert list(rows)[-2:] == ["trial 1", "trial 3"], "the front goes first, and the judged before others"
    found = rows["trial 0"]["objectives"]
    half = wilson(12, N)
    assert found["math"]["holdout"] == {"value": 0.6, "n": N, "low": half.low, "high": half.high}  # type: ignore[index, call-overload]
    assert found["tokens"] == {  # type: ignore[index, call-overload]
        "direction": "minimize",
        "search": {"value": 10.0, "n": 2 * N, "low": 10.0, "high": 10.0},
        "holdout": {"value": 10.0, "n": 2 * N, "low": 10.0, "high": 10.0},
    }
    assert rows["trial 3"]["objectives"]["math"]["holdout"] is None  # type: ignore[index, call-overload]


def test_the_conclusion_names_the_front_and_then_who_is_best_by_accuracy(store: StudyStore) -> None:
    filled(store, ["math", "code", "tokens"])
    said = conclusion(build_leaderboard(store, "tiny"))
    assert said.startswith(
        "On holdout items, of 6 judged nobody is better in math, code and tokens together than trial 0, code,"
        " math, base or trial 2: the Pareto front of what was measured, whatever chance had in it."
        " By mean accuracy alone: trial 0 (57.5% of holdout items) is best"
    )


def test_before_anybody_is_judged_the_front_is_that_of_the_search_items(store: StudyStore) -> None:
    study = Study(store, ["math", "code"])
    for number, right in enumerate([(4, 4), (5, 3), (4, 3)]):
        study.add(f"trial {number}", "trial", right)
    assert [row.name for row in points(build_leaderboard(store, "tiny"))] == ["trial 0", "trial 1"]


def test_one_goal_has_no_front_and_its_value_is_told(store: StudyStore) -> None:
    study = filled(store, "worst_slice")
    rows = study.rows()
    assert {row["front"] for row in rows.values()} == {None}
    assert points(build_leaderboard(store, "tiny")) == []
    found = rows["trial 0"]["objectives"]["worst_slice"]  # type: ignore[index, call-overload]
    assert found["search"]["value"] == pytest.approx(12.5 / 18.5)  # type: ignore[index, call-overload]
    assert found["holdout"]["value"] == pytest.approx(11.5 / 18.5)  # type: ignore[index, call-overload]
    assert found["holdout"]["slice"] == "code"  # type: ignore[index, call-overload]


@pytest.mark.parametrize("objective", ["accuracy", "gold_logprob"])
def test_of_accuracy_or_gold_answers_alone_the_scores_say_all(store: StudyStore, objective: str) -> None:
    rows = filled(store, objective).rows() if objective == "accuracy" else {}
    assert all((row["objectives"], row["front"]) == (None, None) for row in rows.values())


def test_studies_that_want_different_things_have_no_front_together(store: StudyStore) -> None:
    filled(store, ["math", "code"])
    other = Study(store, ["math", "tokens", "code"], "other")
    other.add("trial 9", "trial", (5, 5), (5, 5))
    rows = build_leaderboard(store, "tiny", "other")
    assert len(rows) == 8
    assert all(row.reached is None for row in rows)
