"""A trial whose engine dies is tried once more, for what it still lacks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evaluators.engines.engine import Completion
from evaluators.engines.fake import FakeEngine
from evaluators.errors import EngineDied
from search.proposals.baselines import baselines
from search.running.measure import Bench
from search.running.workshop import Workshop, study_slices
from studies.store import StudyStore


class Dying(FakeEngine):
    """Dies at the given questions, counted over its lives; every load brings it back."""

    def __init__(self, *deaths: int) -> None:
        super().__init__()
        self.deaths, self.asked = set(deaths), 0

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        self.asked += 1
        if self.asked in self.deaths:
            raise EngineDied(f"the engine's process died at question {self.asked}")
        return super().generate(prompts, stop, max_tokens)


def measured(workshop: Workshop, bench: Bench) -> list[int]:
    """How many items of each slice are answered after the base was measured."""
    slices = workshop.search_slices
    bench.store.remember_slices(study_slices(slices, bench.key))
    digest = bench.store.add_recipe(baselines(workshop.space)[0].recipe)
    try:
        bench.measure(digest, workshop.base, slices)
    finally:
        counts = [len(bench.store.measured(digest, bench.key(part))) for part in slices]
    return counts


def test_one_death_costs_the_items_in_flight_and_nothing_else(workshop: Workshop, store: StudyStore) -> None:
    engine = Dying(2)
    assert measured(workshop, Bench(store, engine)) == [6, 6, 6]
    assert engine.asked == 4, "the first slice is not asked again"


def test_a_second_death_fails_the_trial_with_both_reasons_and_keeps_what_was_answered(
    workshop: Workshop, store: StudyStore
) -> None:
    bench = Bench(store, Dying(2, 3))
    with pytest.raises(EngineDied, match=r"at question 3, as did the engine before it: .* at question 2"):
        measured(workshop, bench)
    assert measured(workshop, bench) == [6, 6, 6], "the next candidate, or the same, finds a new engine"
