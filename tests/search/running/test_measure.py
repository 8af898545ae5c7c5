"""A bench asks only what the store does not know, whoever measured the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluators.engines.engine import Completion, WeightSource
from merging.models.checkpoint import open_checkpoint
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
