"""Evidence is of a recipe or of a model, and answers may be filed under another key, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studies.errors import StudyChanged, StudyNotFound
from studies.store import StudyStore
from studies.store.rows import Filed, ModelSubject
from tests.studies.builders import begin_with_slice, make_recipe, make_results, make_slice

QWEN = ModelSubject("print of qwen", "/models/qwen", None, "qwen2", 494_000_000)


def test_a_model_comes_back_as_it_was_told(store: StudyStore) -> None:
    hub = replace(QWEN, digest="print of hub", path="Qwen/Qwen2-0.5B", revision="abc")
    fused = replace(QWEN, digest="print of fused", made={"target": "print of qwen", "sources": ["a", "b"]})
    assert [store.add_model(each) for each in (QWEN, hub, fused)] == [
        "print of qwen",
        "print of hub",
        "print of fused",
    ]
    assert [store.subject(each.digest) for each in (QWEN, hub, fused)] == [QWEN, hub, fused]


def test_a_model_is_looked_for_where_it_was_seen_last_and_keeps_how_it_was_made(store: StudyStore) -> None:
    store.add_model(replace(QWEN, made={"target": "a"}))
    store.add_model(replace(QWEN, path="/moved/qwen"))
    assert store.subject(QWEN.digest) == replace(QWEN, path="/moved/qwen", made={"target": "a"})
    store.add_model(replace(QWEN, made={"target": "b"}))
    assert store.subject(QWEN.digest) == replace(QWEN, made={"target": "b"})


def test_a_subject_may_be_a_recipe_and_a_model_is_none(store: StudyStore) -> None:
    recipe = make_recipe(0.3)
    store.add_recipe(recipe)
    store.add_model(QWEN)
    assert store.subject(recipe.digest) == recipe
    with pytest.raises(StudyNotFound, match="print of qwe is the model /models/qwen, which has no recipe"):
        store.recipe(QWEN.digest)
    with pytest.raises(StudyNotFound, match="has no recipe 0000"):
        store.subject("0000")


def test_a_model_has_evidence_and_a_part_in_a_study_as_a_recipe_has(store: StudyStore) -> None:
    study, recipe, part = begin_with_slice(store)
    digest = store.add_model(QWEN)
    store.register_candidate(study, "model", "qwen", None, digest)
    store.finish_candidate(study, "model", "qwen")
    store.record(digest, part, make_results([True, False, True]))
    store.record(recipe, part, make_results([False, False, True]))
    assert store.verdicts([recipe, digest], part) == {
        recipe: {0: False, 1: False, 2: True},
        digest: {0: True, 1: False, 2: True},
    }
    assert [(each.kind, each.name, each.digest) for each in store.candidates(study)][-1] == (
        "model",
        "qwen",
        digest,
    )
    other = store.add_model(replace(QWEN, digest="another print"))
    with pytest.raises(StudyChanged, match="qwen was the model print of qwe, now another prin: give"):
        store.register_candidate(study, "model", "qwen", None, other)


def test_answers_are_filed_under_another_key_without_a_change(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    digest = store.add_model(QWEN)
    store.remember_slices([make_slice(digest="by another engine")])
    answers = make_results([True, False, True])
    store.record(recipe, part, answers)
    moves = [
        (Filed(recipe, part), Filed(digest, part)),
        (Filed(digest, part), Filed(digest, "by another engine")),
    ]
    assert store.adopt(moves) == 6
    assert store.results(digest, part) == store.results(digest, "by another engine") == answers
    assert store.results(recipe, part) == answers, "where they were they stay"
    assert store.adopt(moves) == 0


def test_what_was_measured_itself_is_not_replaced_by_what_is_adopted(store: StudyStore) -> None:
    _, recipe, part = begin_with_slice(store)
    digest = store.add_model(QWEN)
    store.record(digest, part, make_results([False], text="its own"))
    store.record(recipe, part, make_results([True, True]))
    assert store.adopt([(Filed(recipe, part), Filed(digest, part))]) == 1
    assert [each.text for each in store.results(digest, part)] == ["its own 0", "the answer is 1"]
