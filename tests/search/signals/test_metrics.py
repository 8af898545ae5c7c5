"""Metrics read from the database alone, in a form that Prometheus' own parser takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from search.signals.metrics import metrics_text
from studies.store import StudyStore
from studies.store.lease import exclusive
from studies.workers.register import Worker, beat, join, leave
from tests.studies.builders import begin_with_slice, enter, make_recipe

Samples = dict[tuple[str, ...], float]
"""By name and labels, the study's first."""
LABELS = ("study", "host", "gpu", "state", "kind")
GIB = 2**30


def samples(text: str) -> Samples:
    """Per name and labels the value; fails on what is no valid exposition."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge"), family.name
        for sample in family.samples:
            assert set(sample.labels) <= set(LABELS)
            key = (sample.name, *(sample.labels[name] for name in LABELS if name in sample.labels))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def fail(store: StudyStore, study: int, number: int, kind: str | None) -> None:
    store.register_candidate(
        study, "trial", f"trial {number}", number, store.add_recipe(make_recipe(number / 10))
    )
    store.finish_candidate(study, "trial", f"trial {number}", "why", kind)


def working(store: StudyStore, study: int, **stats: object) -> Worker:
    worker = join(store, study)
    beat(store, worker, "trial 1", stats)  # type: ignore[arg-type]
    return worker


def test_an_empty_store_is_up(store: StudyStore) -> None:
    text = metrics_text(store)
    assert samples(text) == {("crucible_up",): 1}
    assert "# TYPE crucible_tokens_total counter" in text


def test_trials_by_state_and_failures_by_kind(store: StudyStore) -> None:
    study, *_ = begin_with_slice(store)
    for number, kind in ((1, "not finite"), (2, "not finite"), (3, "deadline"), (4, None)):
        fail(store, study, number, kind)
    store.register_candidate(study, "trial", "trial 5", 5, store.add_recipe(make_recipe(0.9)))
    enter(store, study, "base", "base", 0.0)
    found = samples(metrics_text(store))
    assert {key[2]: value for key, value in found.items() if key[0] == "crucible_trials"} == {
        "running": 1,
        "complete": 1,
        "pruned": 0,
        "failed": 4,
    }
    assert {key[2]: value for key, value in found.items() if key[0] == "crucible_trial_failures_total"} == {
        "not finite": 2,
        "deadline": 1,
        "other": 1,
    }


def test_what_workers_said_is_summed_over_all_and_paced_over_those_at_work(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    leave(store, working(store, study, tokens=1000, answers=50, busy_s=5.0, alive_s=100.0))
    working(store, study, tokens=300, answers=30, busy_s=9.0, alive_s=10.0)
    working(store, study, tokens=100, answers=10, busy_s=5.0, alive_s=10.0)
    found = samples(metrics_text(store))
    assert {key[0]: value for key, value in found.items() if key[1:] == ("tiny",)} == {
        "crucible_tokens_total": 1400,
        "crucible_answers_total": 90,
        "crucible_engine_busy_seconds_total": 19,
        "crucible_worker_seconds_total": 120,
        "crucible_tokens_per_second": 40,
        "crucible_engine_busy_ratio": pytest.approx(0.7),
    }
    workers = {key[2]: value for key, value in found.items() if key[0] == "crucible_workers"}
    assert workers == {"working": 2, "ended": 1, "lost": 0}


def test_memory_of_gpus_is_that_of_workers_at_work(store: StudyStore) -> None:
    study = store.begin("tiny", {})
    gone = [{"gpu": "7", "used": GIB, "total": GIB}]
    leave(store, working(store, study, gpus=gone))
    both = [{"gpu": str(each), "used": each * GIB, "total": 80 * GIB} for each in (0, 1)]
    host = working(store, study, gpus=both).host
    working(store, study, gpus=both[:1])  # two workers on one GPU tell of it once
    found = samples(metrics_text(store))
    assert {key: value for key, value in found.items() if "gpu" in key[0]} == {
        ("crucible_gpu_memory_used_bytes", "tiny", host, "0"): 0,
        ("crucible_gpu_memory_used_bytes", "tiny", host, "1"): GIB,
        ("crucible_gpu_memory_size_bytes", "tiny", host, "0"): 80 * GIB,
        ("crucible_gpu_memory_size_bytes", "tiny", host, "1"): 80 * GIB,
    }


ODD: list[dict[str, object]] = [
    {},
    {"tokens": None, "alive_s": "long", "gpus": "none"},
    {"tokens": -5, "alive_s": 0, "busy_s": True, "gpus": [None, {}, {"gpu": 0}, 3]},
    {"tokens": 1e308, "alive_s": 1e-308, "busy_s": 1e308, "answers": [1]},
]


@pytest.mark.parametrize("stats", ODD)
def test_whatever_a_worker_said_the_text_is_valid(store: StudyStore, stats: dict[str, object]) -> None:
    working(store, store.begin("tiny", {}), **stats)
    found = samples(metrics_text(store))
    assert all(value >= 0 for value in found.values())
    assert found["crucible_engine_busy_ratio", "tiny"] in (0, 1)


@pytest.mark.parametrize("name", ['a "quoted" one', "back\\slash", "two\nlines", "日本 🔥", "{}=,"])
def test_any_name_of_a_study_is_a_valid_label(store: StudyStore, name: str) -> None:
    store.begin(name, {})
    assert samples(metrics_text(store))["crucible_study_state", name, "stopped"] == 1


def test_a_study_at_work_that_nobody_works_on_has_stopped(store: StudyStore) -> None:
    for name in ("alone", "fused", "worked on", "done"):
        study = store.begin(name, {})
        store.set_state(study, "complete" if name == "done" else "judging")
    join(store, store.study("worked on"))
    with exclusive(store, "fused"):
        found = samples(metrics_text(store))
    assert {key[1:] for key in found if key[0] == "crucible_study_state"} == {
        ("alone", "stopped"),
        ("fused", "judging"),
        ("worked on", "judging"),
        ("done", "complete"),
    }


@pytest.fixture
def lost(sqlite_url: str) -> Iterator[StudyStore]:
    """A store whose database is gone."""
    with StudyStore(sqlite_url, patience=0) as store:
        path = store.engine.url.database
        store.engine.dispose()
        assert path is not None
        with open(path, "w") as file:
            file.write("no database" * 100)
        yield store


def test_a_database_that_cannot_be_read_is_down_and_no_error(lost: StudyStore) -> None:
    assert samples(metrics_text(lost)) == {("crucible_up",): 0}
