"""A candidate's score on a slice is of the kind by which the slice is scored."""

from __future__ import annotations

import json
from dataclasses import replace
from statistics import fmean

import pytest

from evaluators.score import Accuracy, MeanLogprob
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard
from studies.verdicts.scores import slice_scores
from tests.studies.builders import begin_with_slice, enter, make_recipe, make_results, make_slice


def test_answers_have_an_accuracy(store: StudyStore) -> None:
    _, digest, part = begin_with_slice(store)
    store.record(digest, part, make_results([True, False, True, True]))
    score = slice_scores(store, [digest], part, "generate")[digest]
    assert isinstance(score, Accuracy)
    assert (score.mean, score.n) == (0.75, 4)


def test_gold_answers_have_a_mean_per_token_in_which_items_count_alike(store: StudyStore) -> None:
    _, digest, part = begin_with_slice(store)
    long, short = make_results([False, False])
    store.record(
        digest, part, [replace(long, logprob=-30.0, tokens=100), replace(short, logprob=-2.0, tokens=4)]
    )
    assert slice_scores(store, [digest], part, "gold") == {digest: MeanLogprob(fmean([-0.3, -0.5]), 2)}


@pytest.mark.parametrize("scoring", ["generate", "gold"])
def test_who_was_asked_nothing_has_no_score(store: StudyStore, scoring: str) -> None:
    _, digest, part = begin_with_slice(store)
    assert slice_scores(store, [digest, make_recipe(0.75).digest], part, scoring) == {}


def test_a_leaderboard_ranks_by_gold_answers_until_holdout_items_decide(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    search = replace(make_slice(n=2), scoring="gold")
    holdout = make_slice("gsm8k", "holdout", 2)
    store.add_slices(study, [search, holdout])
    digests = [enter(store, study, "trial", f"trial {i}", i / 8, i) for i in range(3)]
    for digest, logprob in zip(digests, (-14.0, -7.0, -21.0), strict=True):
        store.record(digest, search.digest, [replace(each, logprob=logprob) for each in make_results([0, 0])])
    rows = build_leaderboard(store, "tiny")
    assert [row.name for row in rows] == ["trial 1", "trial 0", "trial 2"]
    assert json.loads(json.dumps(rows[0].to_json()))["search"] == {
        "gsm8k": {"mean": -1.0, "n": 2, "of": "gold_logprob"}
    }
    store.record(digests[2], holdout.digest, make_results([True, False]))
    best = build_leaderboard(store, "tiny")[0]
    assert (best.name, best.holdout_mean) == ("trial 2", 0.5)


def test_slices_of_other_scoring_are_no_longer_those_of_the_study(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    store.add_slices(study, [make_slice(n=2, digest="gold"), replace(make_slice("math"), scoring="gold")])
    assert [part.scoring for part in store.slices(study)] == ["generate", "gold"]
