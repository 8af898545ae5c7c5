"""The leaderboard ranks by what was judged, and its conclusion claims no more than that."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.score import wilson
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.rows import CandidateKind
from studies.verdicts.holdout import RIVALS, Holdout
from studies.verdicts.leaderboard import Row, build_leaderboard, conclusion
from studies.verdicts.paired import Difference, Verdicts, paired_difference, simultaneous_level
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
        assert (row.holdout_mean, row.holdout) == (None, {})
        assert (row.vs_base, row.vs_best_expert, row.vs_uniform) == (None, None, None)


def test_who_was_dropped_on_the_way_counts_among_those_that_were_looked_at(study: Study) -> None:
    add_baselines(study)
    digest = study.add("trial 0", "trial", 0.5, holdout=(90, 80))
    alone = study.rows()[0]
    study.add("trial 1", "trial", 0.6, holdout=(10, 10), asked=64)
    study.store.set_state(study.id, "complete")
    rows = {row.name: row for row in study.rows()}
    among, dropped = rows["trial 0"], rows["trial 1"]
    assert (among.digest, among.holdout_items, dropped.holdout_items) == (digest, 2 * HOLDOUT, 2 * 64)
    assert dropped.holdout_mean is None, "a mean over some of the items is no verdict"
    assert alone.vs_base is not None
    assert among.vs_base is not None
    ratio = (among.vs_base.mean - among.vs_base.low) / (alone.vs_base.mean - alone.vs_base.low)
    assert ratio == pytest.approx(2.638257 / 2.393980, rel=1e-5)  # levels 1 - 0.05/6 and 1 - 0.05/3
    said = conclusion(study.rows())
    assert "Dropped as behind before all 200 holdout items were asked: trial 1 after 128." in said


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
    found = paired_difference(a, b, 1 - 0.05 / 3)
    assert top.vs_best_expert is not None
    assert (top.vs_best_expert.mean, top.vs_best_expert.low) == (found.mean, found.low)
    assert top.vs_best_expert.mean == pytest.approx(0.3)
    assert top.vs_best_expert.high == paired_difference(a, b, 1 - 0.05 / 3 / 2).high, "it is the best of two"
    assert top.vs_uniform is not None
    assert top.vs_uniform.mean == pytest.approx(0.25)
    assert top.vs_base is not None
    assert top.vs_base.mean == pytest.approx(0.55)


def test_of_experts_as_good_as_each_other_the_first_by_name_is_the_best(study: Study) -> None:
    # The mean of the floats 0.01 and 0.05 is above that of 0.03 and 0.03 by their last bit.
    study.add("math", "expert", 0.1, holdout=(1, 5))
    study.add("code", "expert", 0.2, holdout=(3, 3))
    study.add("trial 0", "trial", 0.5, holdout=(90, 80))
    rows = {row.name: row for row in study.rows()}
    assert rows["code"].holdout_mean == rows["math"].holdout_mean
    assert rows["code"].vs_best_expert == Difference(0.0, 0.0, 0.0, 2 * HOLDOUT)
    assert "the best expert (code)" in conclusion(study.rows())


def test_a_candidate_differs_from_itself_by_nothing(study: Study) -> None:
    add_baselines(study)
    rows = {row.name: row for row in study.rows()}
    assert rows["gsm8k"].vs_best_expert == Difference(0.0, 0.0, 0.0, 2 * HOLDOUT)
    assert rows["uniform"].vs_uniform == Difference(0.0, 0.0, 0.0, 2 * HOLDOUT)
    assert rows["base"].vs_base == Difference(0.0, 0.0, 0.0, 2 * HOLDOUT)


def test_intervals_widen_with_the_number_of_merges_judged(study: Study) -> None:
    add_baselines(study)
    study.add("trial 0", "trial", 0.5, holdout=(90, 80))
    alone = study.rows()[0]
    study.add("trial 1", "trial", 0.6, holdout=(50, 50))
    study.add("trial 2", "trial", 0.6, holdout=(50, 50))  # the same merge found twice is one comparison
    among = study.rows()[0]
    for name in ("vs_base", "vs_best_expert", "vs_uniform"):  # 3 and 6 comparisons: levels 1 - 0.05/3 and /6
        wide, narrow = getattr(among, name), getattr(alone, name)
        ratio = (wide.mean - wide.low) / (narrow.mean - narrow.low)
        assert ratio == pytest.approx(2.638257 / 2.393980, rel=1e-5)


@pytest.mark.parametrize("found", [1, 4])
def test_all_intervals_of_a_study_hold_together_95_times_in_100(found: int) -> None:
    # Merges and baselines that are all equally good: an interval without 0 is a wrong verdict.
    chance, repeats, wrong = random.Random(5), 150, 0
    for _ in range(repeats):
        answers = [_answers(chance) for _ in range(3 + found)]
        holdout = Holdout(
            {str(i): each for i, each in enumerate(answers)},
            rivals={"base": "0", "expert": "1", "uniform": "2"},
            level=simultaneous_level(3 * found),
        )
        pairs = itertools.product(range(3, 3 + found), RIVALS)
        gains = [holdout.difference(str(i), rival) for i, rival in pairs]
        wrong += any(gain is None or gain.low > 0 or gain.high < 0 for gain in gains)
    assert wrong / repeats <= 0.05 + 0.05  # 0.05 is three standard errors of the simulation


def _answers(chance: random.Random) -> Verdicts:
    return {name: {i: chance.random() < 0.4 for i in range(60)} for name in ("gsm8k", "math", "code")}


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
        "vs_base",
        "vs_best_expert",
        "vs_uniform",
        "vs_best_model",
        "vs_target",
        "study",
        "holdout_items",
        "verdict",
        "objectives",
        "front",
    ]
    assert (top["vs_best_model"], top["vs_target"], top["study"]) == (None, None, "tiny")
    assert (top["objectives"], top["front"]) == (None, None)
    assert (top["name"], top["kind"], top["trial"], top["digest"]) == ("trial 7", "trial", 7, digest)
    assert top["search"] == {"gsm8k": {"mean": 0.7, "n": 10}, "math": {"mean": 0.8, "n": 10}}
    assert top["holdout"]["gsm8k"] == {"mean": 0.9, "n": 100, "low": score.low, "high": score.high}
    assert top["holdout_mean"] == pytest.approx(0.85)
    for name in ("vs_base", "vs_best_expert", "vs_uniform"):
        assert list(top[name]) == ["mean", "low", "high"]
        assert last[name] is None
    assert (last["name"], last["holdout_mean"]) == ("trial 8", None)
    assert (top["holdout_items"], last["holdout_items"]) == (2 * HOLDOUT, 0)
    assert [row["verdict"] is None for row in rows] == [False, *[True] * (len(rows) - 1)]
    assert list(top["verdict"]) == [
        "proven",
        "finalists",
        "dropped",
        "runner_up",
        "optimism",
        "mean_optimism",
    ]
    assert (top["verdict"]["proven"], top["verdict"]["finalists"]) == (True, 1)


def test_an_unknown_study_is_refused(study: Study) -> None:
    with pytest.raises(StudyNotFound, match="did you mean tiny"):
        build_leaderboard(study.store, "tinny")


def test_the_conclusion_names_a_proven_winner_with_its_intervals(study: Study) -> None:
    add_baselines(study)
    study.add("trial 7", "trial", 0.5, holdout=(90, 80))
    said = conclusion(study.rows())
    assert said.startswith(
        "trial 7 (85.0% of holdout items) is best,"
        " proven better than the base, the best expert (gsm8k) and the uniform merge. It has"
    )
    assert "It has +55.0 points against the base (95% interval +" in said
    assert ", +30.0 points against the best expert (gsm8k) (95% interval +23." in said
    assert " and +25.0 points against the uniform merge (95% interval +" in said
    assert said.endswith(").")


# Items of each slice answered by base, two experts, uniform merge and trial, and what is said of that.
# They are the first items, so that a difference of ten in a hundred is proven, and of one is not.
SAID = {
    "above all, proven over all but the base": (
        (60, 40, 45, 50, 61),
        "trial 7 (61.0% of holdout items) is best,"
        " proven better than the best expert (math) and the uniform merge,"
        " but not proven better than the base. It has +1.0 points against the base",
    ),
    "above all, nothing proven": (
        (60, 59, 60, 60, 61),
        "trial 7 (61.0% of holdout items) is best,"
        " but not proven better than the base, the best expert (math) or the uniform merge. It has",
    ),
    "below the base": (
        (80, 40, 45, 60, 70),
        "Nothing that the search found beat the baselines: base (80.0% of holdout items) is best,"
        " then trial 7 (70.0% of holdout items),"
        " proven better than the best expert (math) and the uniform merge,"
        " but proven worse than the base. It has -10.0 points against the base",
    ),
    "below the base, but not proven to be": (
        (71, 40, 45, 60, 70),
        "Nothing that the search found beat the baselines: base (71.0% of holdout items) is best,"
        " then trial 7 (70.0% of holdout items),"
        " proven better than the best expert (math) and the uniform merge,"
        " but below the base. It has -1.0 points",
    ),
    "below all": (
        (72, 40, 71, 73, 70),
        "Nothing that the search found beat the baselines: uniform (73.0% of holdout items) is best,"
        " then base (72.0% of holdout items), then math (71.0% of holdout items),"
        " then trial 7 (70.0% of holdout items),"
        " below the base, the best expert (math) and the uniform merge. It has",
    ),
    "equal to the base": (
        (70, 40, 45, 60, 70),
        "Nothing that the search found beat the baselines: trial 7 (70.0% of holdout items) is"
        " proven better than the best expert (math) and the uniform merge, but only equal to the base."
        " It has +0.0 points against the base (95% interval -",
    ),
    "equal to the base, below an expert, above the uniform merge": (
        (70, 40, 90, 69, 70),
        "Nothing that the search found beat the baselines: math (90.0% of holdout items) is best,"
        " then trial 7 (70.0% of holdout items),"
        " not proven better than the uniform merge, only equal to the base"
        " and proven worse than the best expert (math). It has",
    ),
    "equal to all": (
        (70, 70, 70, 70, 70),
        "Nothing that the search found beat the baselines: trial 7 (70.0% of holdout items) is"
        " only equal to the base, the best expert (gsm8k) and the uniform merge. It has",
    ),
}


@pytest.mark.parametrize("situation", SAID)
def test_the_conclusion_names_base_best_expert_and_uniform_merge(study: Study, situation: str) -> None:
    (base, gsm8k, math, uniform, trial), said = SAID[situation]
    study.add("base", "base", 0.0, holdout=(base, base))
    study.add("gsm8k", "expert", 0.1, holdout=(gsm8k, gsm8k))
    study.add("math", "expert", 0.2, holdout=(math, math))
    study.add("uniform", "uniform", 0.3, holdout=(uniform, uniform))
    study.add(
        "trial 7", "trial", 0.5, (10, 10), holdout=(trial, trial)
    )  # first in the table where all are equal
    study.add("trial 8", "trial", 0.6, holdout=(1, 1))
    assert conclusion(study.rows()).startswith(said)


@given(st.lists(st.integers(0, 6), min_size=5, max_size=5))
def test_a_merge_is_called_best_only_above_every_baseline(means: list[int]) -> None:
    rows = [_row(name, kind, mean, means) for (name, kind), mean in zip(CAST, means, strict=True)]
    rows.sort(key=lambda row: (-(row.holdout_mean or 0), row.kind != "trial"))
    said = conclusion(rows)
    rivals = (means[0], max(means[1:3]), means[3])
    beaten = means[-1] > max(rivals)
    assert said.startswith("trial 0 (" if beaten else "Nothing that the search found beat the baselines: ")
    assert all(name in said for name in ("the base", "the best expert (", "the uniform merge"))
    assert ("not proven better" in said) == any(means[-1] == mean + 1 for mean in rivals)
    assert said.count("points against") == 3


CAST: list[tuple[str, CandidateKind]] = [
    ("base", "base"),
    ("gsm8k", "expert"),
    ("math", "expert"),
    ("uniform", "uniform"),
    ("trial 0", "trial"),
]


def _row(name: str, kind: CandidateKind, mean: int, means: Sequence[int]) -> Row:
    """A row of a mean in tenths, whose differences are known to a tenth and a half."""
    gains = [(mean - other) / 10 for other in (means[0], max(means[1:3]), means[3])]
    intervals = [Difference(gain, gain - 0.15, gain + 0.15, 10) for gain in gains]
    return Row(name, kind, None, name, {}, {}, mean / 10, *intervals)


def test_with_one_expert_the_uniform_merge_is_that_expert(study: Study) -> None:
    study.add("base", "base", 0.0, holdout=(30, 30))
    study.add("math", "expert", 0.2, holdout=(45, 45))
    study.add("uniform", "uniform", 0.2, holdout=(45, 45))
    study.add("trial 7", "trial", 0.5, holdout=(70, 70))
    said = conclusion(study.rows())
    assert said.startswith(
        "trial 7 (70.0% of holdout items) is best,"
        " proven better than the base and the best expert (math; the uniform merge is the same)."
    )
    assert said.count("points against") == 2


def test_a_base_that_its_file_names_is_called_so(study: Study) -> None:
    study.add("smollm", "base", 0.0, holdout=(80, 80))
    study.add("math", "expert", 0.2, holdout=(45, 45))
    study.add("trial 7", "trial", 0.5, holdout=(70, 70))
    said = conclusion(study.rows())
    assert "smollm (80.0% of holdout items) is best, then trial 7" in said
    assert "proven worse than the base (smollm)" in said


def test_an_expert_as_good_as_the_base_is_named_beside_it(study: Study) -> None:
    study.add("base", "base", 0.0, holdout=(80, 80))
    study.add("math", "expert", 0.2, holdout=(80, 80))
    study.add("uniform", "uniform", 0.3, holdout=(45, 45))
    study.add("trial 7", "trial", 0.5, holdout=(70, 70))
    assert conclusion(study.rows()).startswith(
        "Nothing that the search found beat the baselines: base (80.0% of holdout items)"
        " and math (80.0% of holdout items) are best,"
        " then trial 7 (70.0% of holdout items), proven better than the uniform merge,"
        " but proven worse than the base and the best expert (math)."
    )


@pytest.mark.parametrize(
    ("absent", "named"),
    [
        (("base",), "the base"),
        (("uniform",), "the uniform merge"),
        (("math",), "the expert math"),
        (("math", "gsm8k"), "the best expert"),
        (("base", "math"), "the base or the expert math"),
    ],
)
def test_a_merge_is_not_called_best_of_all_while_a_baseline_has_not_answered(
    study: Study, absent: tuple[str, ...], named: str
) -> None:
    for weight, (name, kind) in enumerate(CAST):
        study.add(name, kind, weight / 10, holdout=(50 + 5 * weight,) * (1 if name in absent else 2))
    said = conclusion(study.rows())
    assert said.startswith(
        "trial 0 (70.0% of holdout items) is best of those judged, proven better than the "
    )
    assert said.endswith(f" It was not compared with {named}, for want of answers to all holdout items.")


def test_where_nothing_is_proven_it_says_that_nothing_was_found(study: Study) -> None:
    study.add("base", "base", 0.0, holdout=(60, 60))
    study.add("math", "expert", 0.2, holdout=(59, 59))
    study.add("uniform", "uniform", 0.3, holdout=(60, 60))
    study.add("trial 7", "trial", 0.5, holdout=(61, 61))
    nothing = "So nothing was found that is proven better than the baselines."
    assert nothing in conclusion(study.rows())
    (verdict,) = [row.to_json()["verdict"] for row in study.rows() if row.winner]
    assert verdict["proven"] is False
    study.add("trial 8", "trial", 0.6, holdout=(90, 90))
    assert nothing not in conclusion(study.rows())
    (verdict,) = [row.to_json()["verdict"] for row in study.rows() if row.winner]
    assert verdict["proven"] is True


def test_the_runner_up_and_what_search_scores_promised_are_told(study: Study) -> None:
    add_baselines(study)
    study.add("trial 7", "trial", 0.5, (9, 9), holdout=(80, 80))
    study.add("trial 8", "trial", 0.6, (10, 10), holdout=(60, 60))
    said = conclusion(study.rows())
    assert " Against the runner-up (trial 8) it has +20.0 points (95% interval +" in said
    assert " Search score less holdout score: trial 7 +10.0 points (95% interval +" in said
    assert ", the finalists on average +25.0 points (95% interval +" in said


def test_the_conclusion_of_an_unfinished_study_claims_nothing(study: Study) -> None:
    assert conclusion(study.rows()) == "No candidate was judged on all holdout items yet."
    add_baselines(study)
    assert conclusion(study.rows()).startswith(
        "No merge that the search found was judged yet; of the others uniform"
    )


def test_a_merge_without_baselines_to_compare_with_is_best_of_nothing_more(study: Study) -> None:
    study.add("trial 0", "trial", 0.5, holdout=(60, 60))
    assert conclusion(study.rows()) == (
        "trial 0 (60.0% of holdout items) is best of those judged. It was not compared with the base,"
        " the best expert or the uniform merge, for want of answers to all holdout items."
    )
