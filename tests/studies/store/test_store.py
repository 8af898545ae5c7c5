"""What a store promises, whatever the database."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from studies.errors import StudyChanged, StudyNotFound
from studies.store import StudyStore
from studies.store.rows import Candidate, Cost, Tally
from tests.studies.builders import begin_with_slice, enter, make_recipe, make_results, make_slice


def test_a_study_is_created_once_and_resumed_by_name(store: StudyStore) -> None:
    study = store.begin("tiny", {"seed": 0})
    assert store.begin("tiny", {"seed": 0}) == study == store.study("tiny")
    assert store.begin("other", {"seed": 0}) != study


def test_resuming_leaves_the_state_alone(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    store.set_state(study, "stopped", "Ctrl-C")
    store.begin("tiny", {})
    (summary,) = store.studies()
    assert (summary.state, summary.reason) == ("stopped", "Ctrl-C")


def test_a_changed_study_is_refused_in_one_line_and_stays_as_it_was(store: StudyStore) -> None:
    store.begin("tiny", {"base": {"model.safetensors": "abc"}, "experts": ("math", "code"), "seed": 0})
    with pytest.raises(
        StudyChanged, match=r"'tiny'.*base\.model\.safetensors was \"abc\", now \"xyz\""
    ) as caught:
        store.begin("tiny", {"base": {"model.safetensors": "xyz"}, "experts": ["math", "code"], "seed": 0})
    assert "\n" not in str(caught.value)
    store.begin("tiny", {"base": {"model.safetensors": "abc"}, "experts": ["math", "code"], "seed": 0})


def test_an_unknown_study_is_named_with_the_nearest(store: StudyStore) -> None:
    with pytest.raises(StudyNotFound, match="has no study 'tiny': start one"):
        store.study("tiny")
    store.begin("tiny", {})
    with pytest.raises(StudyNotFound, match="has no study 'tinny': did you mean tiny"):
        store.study("tinny")


def test_summaries_count_trials_and_not_baselines(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    store.begin("empty", {})
    enter(store, study, "expert", "math", 0.0)
    for trial in range(4):
        store.register_candidate(
            study, "trial", f"trial {trial}", trial, store.add_recipe(make_recipe(trial))
        )
    store.finish_candidate(study, "trial", "trial 0")
    store.finish_candidate(study, "trial", "trial 1")
    store.finish_candidate(study, "trial", "trial 2", "NaN in model.norm.weight")
    tiny, empty = store.studies()
    assert (tiny.name, tiny.state, tiny.trials, tiny.failed) == ("tiny", "searching", 2, 1)
    assert (empty.name, empty.trials, empty.failed) == ("empty", 0, 0)
    assert abs(datetime.now(UTC).replace(tzinfo=None) - tiny.created_at) < timedelta(minutes=5)


def test_slices_come_back_in_their_order(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    rows = [make_slice("math"), make_slice("gsm8k"), make_slice("math", "holdout", n=30)]
    store.add_slices(study, rows)
    store.add_slices(study, rows)
    assert store.slices(study) == rows


def test_studies_may_know_one_slice_by_different_names(store: StudyStore) -> None:
    first, second = store.begin("first", {}), store.begin("second", {})
    store.add_slices(first, [make_slice("gsm8k", digest="same items")])
    store.add_slices(second, [make_slice("grade school", "holdout", digest="same items")])
    assert [(row.name, row.split) for row in store.slices(second)] == [("grade school", "holdout")]


def test_other_slices_than_the_study_began_with_are_refused(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    store.add_slices(study, [make_slice("gsm8k")])
    with pytest.raises(StudyChanged, match=r'gsm8k \(search\)\.digest was "digest of .*", now "other items"'):
        store.add_slices(study, [make_slice("gsm8k", digest="other items")])
    with pytest.raises(StudyChanged, match=r"math \(search\)\.name was absent"):
        store.add_slices(study, [make_slice("gsm8k"), make_slice("math")])
    assert store.slices(study) == [make_slice("gsm8k")]


def test_slices_may_be_asked_outside_any_study(store: StudyStore) -> None:
    part = make_slice()
    store.remember_slices([part])
    store.remember_slices([part])
    recipe = store.add_recipe(make_recipe(0.1))
    store.record(recipe, part.digest, make_results([True, False]))
    assert store.tallies([recipe], part.digest) == {recipe: Tally(1, 2)}
    assert store.studies() == []


def test_a_recipe_comes_back_with_its_digest(store: StudyStore) -> None:
    recipe = make_recipe(0.3)
    assert store.add_recipe(recipe) == store.add_recipe(recipe) == recipe.digest
    assert store.recipe(recipe.digest) == recipe
    with pytest.raises(StudyNotFound, match="no recipe 0000"):
        store.recipe("0000")


def test_a_recipe_is_kept_without_spaces(store: StudyStore) -> None:
    recipe = make_recipe(0.3)
    store.add_recipe(recipe)
    with store.engine.connect() as connection:
        content = connection.scalar(text("SELECT CAST(content AS text) FROM crucible_subjects"))
    assert content == json.dumps(recipe.to_dict(), separators=(",", ":"))


def test_candidates_come_back_as_registered_and_finished(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    digests = [store.add_recipe(make_recipe(weight)) for weight in (0.0, 0.1, 0.2)]
    store.register_candidate(study, "base", "base", None, digests[0])
    store.register_candidate(study, "trial", "trial 0", 0, digests[1])
    store.register_candidate(study, "trial", "trial 1", 1, digests[2])
    store.finish_candidate(study, "base", "base")
    store.finish_candidate(study, "trial", "trial 0", "NaN in lm_head.weight")
    assert store.candidates(study) == [
        Candidate("base", "base", None, digests[0], "complete", None),
        Candidate("trial", "trial 0", 0, digests[1], "failed", "NaN in lm_head.weight"),
        Candidate("trial", "trial 1", 1, digests[2], "running", None),
    ]


def test_registering_again_keeps_the_state_but_not_another_recipe(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    digest = enter(store, study, "trial", "trial 0", 0.1, 0)
    store.register_candidate(study, "trial", "trial 0", 0, digest)
    assert [row.state for row in store.candidates(study)] == ["complete"]
    with pytest.raises(StudyChanged, match=f"trial 0 was made by recipe {digest[:12]}"):
        store.register_candidate(study, "trial", "trial 0", 0, store.add_recipe(make_recipe(0.2)))


def test_evidence_comes_back_item_by_item(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    results = make_results([True, False, True])
    store.record(recipe, part, list(reversed(results)))
    assert store.results(recipe, part) == results
    assert store.measured(recipe, part) == {0, 1, 2}
    assert store.verdicts([recipe, "unknown"], part) == {recipe: {0: True, 1: False, 2: True}, "unknown": {}}
    assert store.tallies([recipe, "unknown"], part) == {recipe: Tally(2, 3), "unknown": Tally(0, 0)}


def test_what_was_measured_first_stays(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    store.record(recipe, part, make_results([True, True]))
    store.record(recipe, part, make_results([False, False, False], text="something else"))
    assert store.verdicts([recipe], part)[recipe] == {0: True, 1: True, 2: False}
    assert [result.text for result in store.results(recipe, part)] == [
        "the answer is 0",
        "the answer is 1",
        "something else 2",
    ]


def test_recording_nothing_is_allowed(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    store.record(recipe, part, [])
    assert store.measured(recipe, part) == set()


def test_evidence_is_shared_by_studies_that_ask_one_model_the_same(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    store.record(recipe, part, make_results([True] * 8))
    again = store.begin("again", {})
    store.add_slices(again, [make_slice(digest=part)])
    assert enter(store, again, "trial", "trial 5", 0.25, 5) == recipe
    assert len(store.measured(recipe, part)) == 8


@pytest.mark.parametrize(
    "text", ["", "nul \0 inside", "half a pair \ud83d", "\U0001f600 µ ∑", "line\r\nline"]
)
def test_whatever_a_model_writes_can_be_kept(store: StudyStore, text: str) -> None:
    _, recipe, part = begin_with_slice(store)
    store.record(recipe, part, make_results([True], text=text))
    (result,) = store.results(recipe, part)
    assert result.text == f"{text} 0".replace("\0", "␀").replace("\ud83d", "?")


def test_a_batch_is_recorded_as_a_whole_or_not_at_all(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    good, bad = make_results([True, True])
    object.__setattr__(bad, "prompt_hash", None)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        store.record(recipe, part, [good, bad])
    assert store.measured(recipe, part) == set()
    store.record(recipe, part, [good])
    assert store.measured(recipe, part) == {0}


def test_evidence_of_an_unknown_slice_is_refused(store: StudyStore) -> None:
    _, recipe, _ = begin_with_slice(store)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        store.record(recipe, "a slice that was never added", make_results([True]))


def test_threads_may_record_the_same_items_at_once_in_any_order(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store, n=2000)
    errors: list[BaseException] = []

    def record(seed: int) -> None:
        results = make_results([True] * 2000)
        random.Random(seed).shuffle(results)
        try:
            store.record(recipe, part, results)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=record, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert store.measured(recipe, part) == set(range(2000))


def test_what_answers_took_is_added_up_for_each_subject_that_was_asked(store: StudyStore) -> None:
    study, digest, part = begin_with_slice(store)
    silent = enter(store, study, "trial", "trial 1", 0.75, 1)
    store.record(digest, part, make_results([True, False, True]))
    assert store.costs([digest, silent], part) == {digest: Cost(tokens=3 * 7, seconds=3 * 0.25)}
