"""A store keeps a fusion's decision and its training curves."""

from __future__ import annotations

from studies.store import StudyStore


def test_a_decision_comes_back_and_a_new_one_takes_its_place(store: StudyStore) -> None:
    study, other = store.begin("fused", {}), store.begin("other", {})
    assert store.selection(study) is None
    store.save_selection(study, {"target": "abc", "sources": {"b": ["math"]}, "rows": [{"mean": 0.5}]})
    assert store.selection(study) == {"target": "abc", "sources": {"b": ["math"]}, "rows": [{"mean": 0.5}]}
    store.save_selection(study, {"target": "def"})
    assert store.selection(study) == {"target": "def"}
    assert store.selection(other) is None


def test_a_curve_comes_back_by_run_and_step(store: StudyStore) -> None:
    study, other = store.begin("fused", {}), store.begin("other", {})
    store.record_training(study, "math", [(2, {"loss": 0.5, "rate": 1e-4}), (1, {"loss": 1.0})])
    store.record_training(study, "code", [(1, {"loss": 2.0})])
    store.record_training(study, "code", [])
    assert [(row.run, row.step, row.metrics) for row in store.training(study)] == [
        ("code", 1, {"loss": 2.0}),
        ("math", 1, {"loss": 1.0}),
        ("math", 2, {"loss": 0.5, "rate": 1e-4}),
    ]
    assert store.training(other) == []


def test_a_step_that_is_trained_anew_replaces_what_it_was(store: StudyStore) -> None:
    study = store.begin("fused", {})
    store.record_training(study, "math", [(1, {"loss": 1.0}), (2, {"loss": 0.5})])
    store.record_training(study, "math", [(2, {"loss": 0.25}), (3, {"loss": 0.125})])
    assert [row.metrics["loss"] for row in store.training(study)] == [1.0, 0.25, 0.125]


def test_a_metric_that_is_no_number_is_kept_as_none(store: StudyStore) -> None:
    study = store.begin("fused", {})
    store.record_training(study, "math", [(1, {"loss": float("nan"), "norm": float("inf"), "tokens": 7})])
    (row,) = store.training(study)
    assert row.metrics == {"loss": None, "norm": None, "tokens": 7}
