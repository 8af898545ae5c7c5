"""Studies that were asked the same items are ranked together, and by the items that judge alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from studies.errors import StudiesError, StudyNotFound
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import CandidateKind, ModelSubject
from studies.verdicts.leaderboard import Row, build_leaderboard, conclusion
from studies.verdicts.paired import Difference, paired_difference
from studies.verdicts.parting import Parting
from tests.studies.builders import enter, make_results, make_slice

N = 100
ITEMS: dict[str, JSON] = {"gsm8k/search": "search", "gsm8k/holdout": "gsm8k's", "math/holdout": "math's"}
HALF: dict[str, JSON] = {"parting": {"seed": 0, "share": 0.5}}
Rights = Sequence[Iterable[int]]
"""Per holdout slice, the items that are answered rightly."""


class Study:
    """A study of two holdout slices, asked by an engine of its own."""

    def __init__(self, store: StudyStore, name: str, identity: Mapping[str, JSON] | None = None) -> None:
        self.store, self.name = store, name
        self.id = store.begin(name, {"items": ITEMS} if identity is None else identity)
        self.search = [make_slice("gsm8k", "search", 10, f"gsm8k search by {name}")]
        self.holdout = [make_slice(s, "holdout", N, f"{s} by {name}") for s in ("gsm8k", "math")]
        store.add_slices(self.id, [*self.search, *self.holdout])

    def add(self, name: str, kind: CandidateKind, weight: float, rights: Rights = (), asked: int = N) -> str:
        """A candidate that is a recipe."""
        trial = int(name.split()[1]) if kind == "trial" else None
        digest = enter(self.store, self.id, kind, name, weight, trial)
        self.answer(digest, rights, asked)
        return digest

    def add_model(self, name: str, kind: CandidateKind, rights: Rights = (), asked: int = N) -> str:
        """A candidate that is a model."""
        digest = self.store.add_model(ModelSubject(f"print of {name}", f"/{name}", None, "qwen2", 7))
        self.store.register_candidate(self.id, kind, name, None, digest)
        self.store.finish_candidate(self.id, kind, name)
        self.answer(digest, rights, asked)
        return digest

    def answer(self, digest: str, rights: Rights, asked: int = N) -> None:
        self.store.record(digest, self.search[0].digest, make_results([True] * 10))
        for part, right in zip(self.holdout, rights, strict=False):
            known = set(right)
            self.store.record(digest, part.digest, make_results(item in known for item in range(asked)))


def first(count: int) -> tuple[range, range]:
    return range(count), range(count)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[StudyStore]:
    with StudyStore(sqlite_url) as store:
        yield store


def names(rows: Sequence[Row]) -> list[str]:
    return [row.name for row in rows]


# -- several studies -----------------------------------------------------------------------------------------


def two_families(store: StudyStore) -> tuple[Study, Study]:
    tiny, qwen = Study(store, "tiny"), Study(store, "qwen")
    tiny.add("base", "base", 0.0, first(10))
    tiny.add("math", "expert", 0.1, first(40))
    tiny.add("trial 3", "trial", 0.2, first(60))
    qwen.add("base", "base", 0.3, first(20))
    qwen.add("words", "expert", 0.4, first(50))
    qwen.add("trial 3", "trial", 0.5, first(70))
    return tiny, qwen


def test_candidates_of_several_studies_are_in_one_table_and_called_apart(store: StudyStore) -> None:
    two_families(store)
    rows = build_leaderboard(store, "tiny", "qwen")
    assert names(rows) == ["qwen: trial 3", "tiny: trial 3", "words", "math", "qwen: base", "tiny: base"]
    assert [row.study for row in rows] == ["qwen", "tiny", "qwen", "tiny", "qwen", "tiny"]
    assert names(build_leaderboard(store, "qwen", "tiny", "qwen")) == names(rows), "whichever comes first"
    assert names(build_leaderboard(store, "tiny")) == ["trial 3", "math", "base"]


def test_each_is_compared_with_the_best_of_each_kind_of_all_the_studies(store: StudyStore) -> None:
    two_families(store)
    rows = build_leaderboard(store, "tiny", "qwen")
    top = rows[0]
    for found, mean in ((top.vs_base, 0.5), (top.vs_best_expert, 0.2)):
        assert found is not None
        assert found.mean == pytest.approx(mean)
        assert found.n == 2 * N
    assert "the base (qwen: base) and the best expert (words)" in conclusion(rows)


def test_a_candidate_of_two_studies_is_one_row(store: StudyStore) -> None:
    tiny, qwen = two_families(store)
    for study in (tiny, qwen):
        study.add("both", "expert", 0.9, first(30))
    assert names(build_leaderboard(store, "tiny", "qwen")).count("both") == 1


def test_studies_that_were_asked_other_items_are_refused_by_the_slices_that_differ(store: StudyStore) -> None:
    two_families(store)
    Study(store, "other", {"items": {**ITEMS, "math/holdout": "other items"}})
    with pytest.raises(
        StudiesError,
        match=r"^studies 'tiny' and 'other' were not asked the same holdout items: slice 'math'; give both",
    ):
        build_leaderboard(store, "tiny", "qwen", "other")


def test_other_search_items_steered_and_judge_nothing(store: StudyStore) -> None:
    two_families(store)
    other = Study(store, "other", {"items": {**ITEMS, "gsm8k/search": "more"}})
    other.add("trial 0", "trial", 0.8, first(80))
    assert names(build_leaderboard(store, "tiny", "other"))[0] == "trial 0"


def test_a_study_that_is_not_there_is_named(store: StudyStore) -> None:
    two_families(store)
    with pytest.raises(StudyNotFound, match="no study 'tinny': did you mean tiny"):
        build_leaderboard(store, "qwen", "tinny")


# -- items that judge ----------------------------------------------------------------------------------------


def judging() -> tuple[set[int], set[int]]:
    parting = Parting(0, 0.5)
    return parting.judging("gsm8k's", range(N)), parting.judging("math's", range(N))


def test_items_that_selected_do_not_judge(store: StudyStore) -> None:
    study = Study(store, "fused", {"items": ITEMS, **HALF})
    gsm8k, math = judging()
    study.add("base", "base", 0.0, (set(), set()))
    study.add_model("lucky", "fused", (set(range(N)) - gsm8k, set(range(N)) - math))
    study.add_model("sound", "fused", (gsm8k, set()))
    sound, *others = build_leaderboard(store, "fused")
    assert (sound.name, sound.holdout_mean) == ("sound", 0.5)
    assert {name: score.n for name, score in sound.holdout.items()} == {
        "gsm8k": len(gsm8k),
        "math": len(math),
    }
    assert [row.holdout_mean for row in others] == [0.0, 0.0], "all that lucky knows are items that selected"
    assert sound.vs_base is not None
    assert (sound.vs_base.mean, sound.vs_base.n) == (0.5, len(gsm8k) + len(math))


def test_differences_are_paired_on_the_judging_items(store: StudyStore) -> None:
    study = Study(store, "fused", {"items": ITEMS, **HALF})
    gsm8k, math = judging()
    study.add("base", "base", 0.0, first(30))
    study.add_model("f", "fused", first(60))
    row = build_leaderboard(store, "fused")[0]
    a, b = ({"gsm8k": {i: i < top for i in gsm8k}, "math": {i: i < top for i in math}} for top in (60, 30))
    assert row.vs_base == paired_difference(a, b, 1 - 0.05 / 3)


def test_who_answered_every_judging_item_is_judged(store: StudyStore) -> None:
    study = Study(store, "fused", {"items": ITEMS, **HALF})
    gsm8k, math = judging()
    study.add("base", "base", 0.0, first(30))
    partly = study.store.add_model(ModelSubject("print of partly", "/partly", None, "qwen2", 7))
    study.store.register_candidate(study.id, "fused", "partly", None, partly)
    study.store.finish_candidate(study.id, "fused", "partly")
    for part, items in zip(study.holdout, (gsm8k, math), strict=True):
        answers = [each for each in make_results([True] * N) if each.item in items]
        store.record(partly, part.digest, answers[:-1])
    assert build_leaderboard(store, "fused")[-1].holdout_mean is None, "one of each is missing"
    for part in study.holdout:
        store.record(partly, part.digest, make_results([True] * N))
    assert build_leaderboard(store, "fused")[0].holdout_mean == 1.0


def test_beside_a_fusion_its_studies_are_judged_by_the_same_items(store: StudyStore) -> None:
    tiny = Study(store, "tiny")
    tiny.add("trial 0", "trial", 0.1, first(50))
    fused = Study(store, "fused", {"items": ITEMS, **HALF})
    fused.add_model("f", "fused", first(60))
    for names_ in (("tiny", "fused"), ("fused", "tiny")):
        rows = build_leaderboard(store, *names_)
        assert {sum(score.n for score in row.holdout.values()) for row in rows} == {sum(map(len, judging()))}
    (alone,) = build_leaderboard(store, "tiny")
    assert [score.n for score in alone.holdout.values()] == [N, N]


# -- raw and fused models ------------------------------------------------------------------------------------


def test_a_raw_model_is_a_row_and_a_rival_by_its_name(store: StudyStore) -> None:
    study = Study(store, "tiny")
    study.add("base", "base", 0.0, first(10))
    study.add("math", "expert", 0.1, first(20))
    study.add("uniform", "uniform", 0.2, first(30))
    study.add_model("qwen", "model", first(40))
    study.add_model("small", "model", first(15))
    study.add("trial 0", "trial", 0.3, first(80))
    rows = build_leaderboard(store, "tiny")
    assert [(row.name, row.kind) for row in rows[:2]] == [("trial 0", "trial"), ("qwen", "model")]
    assert rows[0].vs_best_model is not None
    assert rows[0].vs_best_model.mean == pytest.approx(0.4)
    assert rows[0].to_json()["vs_best_model"]["low"] == rows[0].vs_best_model.low
    said = conclusion(rows)
    assert (
        "proven better than the base, the best expert (math), the uniform merge and the model qwen." in said
    )
    assert "+40.0 points against the model qwen (95% interval " in said


def test_a_raw_model_that_is_best_is_said_to_be(store: StudyStore) -> None:
    study = Study(store, "tiny")
    study.add("base", "base", 0.0, first(10))
    study.add_model("qwen", "model", first(90))
    study.add("trial 0", "trial", 0.3, first(50))
    said = conclusion(build_leaderboard(store, "tiny"))
    assert said.startswith(
        "Nothing that the search found beat the baselines: qwen (90.0% of holdout items) is best,"
        " then trial 0 (50.0% of holdout items), proven better than the base,"
        " but proven worse than the model qwen."
    )


def test_a_raw_model_without_all_answers_is_named_as_not_compared(store: StudyStore) -> None:
    study = Study(store, "tiny")
    study.add("base", "base", 0.0, first(10))
    study.add("math", "expert", 0.1, first(10))
    study.add("uniform", "uniform", 0.2, first(10))
    study.add("trial 0", "trial", 0.3, first(50))
    study.add_model("qwen", "model", first(90), asked=N - 1)
    said = conclusion(build_leaderboard(store, "tiny"))
    assert said.startswith("trial 0 (50.0% of holdout items) is best of those judged, proven better than")
    assert said.endswith("It was not compared with the model qwen, for want of answers to all holdout items.")


def test_intervals_hold_together_over_models_and_targets_too(store: StudyStore) -> None:
    study = Study(store, "fused")
    study.add("base", "base", 0.0, first(10))
    target = study.add_model("qwen", "model", first(40))
    study.add_model("f", "fused", first(80))
    a, b = ({name: {i: i < top for i in range(N)} for name in ("gsm8k", "math")} for top in (80, 10))
    assert build_leaderboard(store, "fused")[0].vs_base == paired_difference(a, b, 1 - 0.05 / 4)
    store.save_selection(study.id, {"target": target})
    assert build_leaderboard(store, "fused")[0].vs_base == paired_difference(a, b, 1 - 0.05 / 5)


def test_a_fused_model_is_compared_with_the_target_that_it_was_made_of(store: StudyStore) -> None:
    study = Study(store, "fused")
    study.add("base", "base", 0.0, first(10))
    target = study.add("trial 7", "trial", 0.1, first(60))
    study.add_model("f", "fused", first(75))
    assert all(row.vs_target is None for row in build_leaderboard(store, "fused"))
    store.save_selection(study.id, {"target": target, "sources": {}})
    rows = {row.name: row for row in build_leaderboard(store, "fused")}
    assert rows["f"].vs_target is not None
    assert rows["f"].vs_target.mean == pytest.approx(0.15)
    assert rows["trial 7"].vs_target is None, "it is no fused one"
    assert rows["f"].to_json()["vs_target"]["mean"] == rows["f"].vs_target.mean
    said = conclusion(build_leaderboard(store, "fused"))
    assert said.startswith("f (75.0% of holdout items) is best, proven better than the base. It has")
    assert " and +15.0 points against the unfused target (95% interval +" in said
    assert "It was not compared" not in said, "a fusion need not have experts and uniform merges"


def test_a_target_need_not_be_a_candidate_to_be_compared_with(store: StudyStore) -> None:
    study = Study(store, "fused")
    target = store.add_model(ModelSubject("print of target", "/t", None, "qwen2", 7))
    study.answer(target, first(60))
    store.save_selection(study.id, {"target": target})
    study.add_model("f", "fused", first(60))
    (row,) = build_leaderboard(store, "fused")
    assert isinstance(row.vs_target, Difference)
    assert row.vs_target.mean == 0.0
