"""A bench asks only what the store does not know, whoever measured the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from threading import Event

import pytest

from evaluators.engines.engine import Completion, WeightSource
from evaluators.engines.fake import FakeEngine
from evaluators.errors import DeadlinePassed, EngineDied
from merging.models.checkpoint import open_checkpoint
from search.errors import failure_kind
from search.proposals.baselines import baselines
from search.running.measure import Bench
from search.running.workshop import Workshop, study_slices
from studies.store import StudyStore


class Counting:
    """The study's real engine, counting what it is asked."""

    def __init__(self, workshop: Workshop) -> None:
        self.engine = workshop.engine()
        self.description = self.engine.description
        self.prompts = 0
        self.loads = 0

    def load(self, source: WeightSource) -> None:
        self.loads += 1
        self.engine.load(source)

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        self.prompts += len(prompts)
        return self.engine.generate(prompts, stop, max_tokens)

    def close(self) -> None:
        self.engine.close()


def test_what_is_measured_is_not_asked_again(workshop: Workshop, store: StudyStore) -> None:
    engine = Counting(workshop)
    bench = Bench(store, engine)
    slices = workshop.search_slices
    store.remember_slices(study_slices(slices, bench.key))
    digest = store.add_recipe(baselines(workshop.space)[0].recipe)
    base = open_checkpoint(workshop.base.path)
    score = bench.measure(digest, base, slices)
    assert (engine.prompts, engine.loads) == (18, 1)
    assert bench.measure(digest, base, slices) == score
    assert Bench(store, engine).measure(digest, base, slices) == score
    assert (engine.prompts, engine.loads) == (18, 1)


def test_it_tells_what_the_engine_did(workshop: Workshop, store: StudyStore) -> None:
    bench = Bench(store, workshop.engine())
    slices = workshop.search_slices
    assert bench.stats().items() > {"tokens": 0, "busy_s": 0.0, "answers": 0}.items()
    store.remember_slices(study_slices(slices, bench.key))
    digest = store.add_recipe(baselines(workshop.space)[0].recipe)
    bench.measure(digest, workshop.base, slices)
    stats = bench.stats()
    results = [result for part in slices for result in store.results(digest, bench.key(part))]
    assert (stats["answers"], stats["tokens"]) == (18, sum(result.tokens for result in results))
    assert 0 < stats["busy_s"] < stats["alive_s"]
    bench.measure(digest, workshop.base, slices)
    assert bench.stats()["busy_s"] == stats["busy_s"]


class PausedError(Exception):
    """What somebody wished for."""


def test_what_is_asked_for_between_batches_ends_it_with_everything_answered_kept(
    workshop: Workshop, store: StudyStore
) -> None:
    calls: list[int] = []

    def between() -> None:
        calls.append(len(calls))
        if len(calls) == 3:
            raise PausedError

    bench, slices = Bench(store, workshop.engine(), between=between), workshop.search_slices
    store.remember_slices(study_slices(slices, bench.key))
    digest = store.add_recipe(baselines(workshop.space)[0].recipe)
    with pytest.raises(PausedError):
        bench.measure(digest, workshop.base, slices)
    assert sum(len(store.measured(digest, bench.key(part))) for part in slices) == 12
    bench.measure(digest, workshop.base, slices)
    assert bench.stats()["answers"] == 18


def test_a_candidate_that_takes_too_long_fails_and_keeps_its_answers(
    workshop: Workshop, store: StudyStore
) -> None:
    """Each batch of the fake engine takes half a second."""
    bench = Bench(store, FakeEngine(seconds=0.5), minutes=0.7 / 60)
    slices = workshop.search_slices
    store.remember_slices(study_slices(slices, bench.key))
    digest = store.add_recipe(baselines(workshop.space)[0].recipe)
    with pytest.raises(DeadlinePassed, match=r"not measured within its 0\.7 seconds") as caught:
        bench.measure(digest, workshop.base, slices)
    assert failure_kind(caught.value) == "deadline"
    assert sum(len(store.measured(digest, bench.key(part))) for part in slices) == 12
    bench.measure(digest, workshop.base, slices)


class Hanging(FakeEngine):
    """Hangs in its second batch, until it is killed; every load brings it back."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.killed = 0, Event()

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        self.asked += 1
        if self.asked == 2:
            assert self.killed.wait(60)
            raise EngineDied("the engine's process died (signal SIGKILL)")
        return super().generate(prompts, stop, max_tokens)

    def kill(self) -> None:
        self.killed.set()


def test_an_engine_that_hangs_is_killed_at_the_deadline_and_its_trial_is_not_tried_twice(
    workshop: Workshop, store: StudyStore
) -> None:
    bench, slices = Bench(store, Hanging(), minutes=1 / 60), workshop.search_slices
    store.remember_slices(study_slices(slices, bench.key))
    digest = store.add_recipe(baselines(workshop.space)[0].recipe)
    with pytest.raises(DeadlinePassed):
        bench.measure(digest, workshop.base, slices)
    assert bench.loaded is None
    assert sum(len(store.measured(digest, bench.key(part))) for part in slices) == 6
    bench.measure(digest, workshop.base, slices)


def test_without_a_word_a_candidate_may_take_many_times_what_others_took(
    workshop: Workshop, store: StudyStore
) -> None:
    bench = Bench(store, FakeEngine())
    assert bench._limit(100) == math.inf, "nobody knows yet what is long"
    bench.meter.measured(items=10, seconds=50.0)
    bench.meter.measured(items=100, seconds=200.0)
    assert bench._limit(1000) == 20 * 5.0 * 1000
    assert bench._limit(3) == 1800.0
    assert replace(bench, minutes=7.0)._limit(1000) == 420.0


def test_a_slice_half_measured_is_finished(workshop: Workshop, store: StudyStore) -> None:
    engine = Counting(workshop)
    bench = Bench(store, engine)
    (part, *_) = workshop.search_slices
    store.remember_slices(study_slices([part], bench.key))
    digest = store.add_recipe(baselines(workshop.space)[0].recipe)
    base = open_checkpoint(workshop.base.path)
    whole = store.results(digest, bench.key(part))
    assert whole == []
    half = replace(part, items=part.items[:2])
    bench.keys[half.name, half.split] = part.digest(engine.description)
    bench.measure(digest, base, [half])
    first = store.results(digest, bench.key(part))
    assert (len(first), engine.prompts) == (2, 2)
    bench.measure(digest, base, [part])
    assert engine.prompts == 6
    again = {result.item: result for result in store.results(digest, bench.key(part))}
    assert [again[result.item] for result in first] == first
