"""How far studies have come, in numbers."""

from __future__ import annotations

from studies.store import StudyStore
from studies.workers.counts import Evidence, TrialCount, count_trials, evidence_so_far
from tests.studies.builders import begin_with_slice, enter, make_recipe, make_results, make_slice


def test_trials_are_counted_by_state_and_kind_of_failure(store: StudyStore) -> None:
    study, *_ = begin_with_slice(store)
    for number, kind in ((1, "not finite"), (2, "not finite"), (3, "out of memory")):
        digest = store.add_recipe(make_recipe(number / 10))
        store.register_candidate(study, "trial", f"trial {number}", number, digest)
        store.finish_candidate(study, "trial", f"trial {number}", "why", kind)
    store.register_candidate(study, "trial", "trial 4", 4, store.add_recipe(make_recipe(0.9)))
    enter(store, study, "base", "base", 0.0)
    store.begin("another", {})
    assert count_trials(store) == [
        TrialCount("tiny", "complete", None, 1),
        TrialCount("tiny", "failed", "not finite", 2),
        TrialCount("tiny", "failed", "out of memory", 1),
        TrialCount("tiny", "running", None, 1),
    ]


def test_evidence_is_counted_for_the_studys_own_candidates_and_slices(store: StudyStore) -> None:
    study, digest, part = begin_with_slice(store)
    assert evidence_so_far(store, study) == Evidence(0, None)
    store.record(digest, part, make_results([True, False, True]))
    found = evidence_so_far(store, study)
    assert found.n == 3
    store.remember_slices([make_slice("other")])
    store.record(digest, make_slice("other").digest, make_results([True]))
    stranger = store.add_recipe(make_recipe(0.9))
    store.record(stranger, part, make_results([True]))
    assert evidence_so_far(store, study) == found
    store.record(digest, part, make_results([True], first=3))
    assert evidence_so_far(store, study) != found
