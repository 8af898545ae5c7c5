"""The plan of a made study: its file, its models and slices, and when which trial ran."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.big.answers import Book
from benchmarks.big.landscape import Landscape
from merging.recipe import ModelRef
from search.proposals.space import SearchSpace
from search.study_file.spec import StudySpec, load_study
from studies.store.identity import JSON
from studies.store.rows import Split, StudySlice

FILE = Path(__file__).parent / "study.yaml"
LAYERS = 24
WORKERS = 2
BEGAN = datetime(2026, 11, 26, 19, 0)
FAILED_EVERY, PRUNED_EVERY = 50, 12
SPLITS: tuple[Split, ...] = ("search", "holdout")


@dataclass(frozen=True)
class Slot:
    """When a trial ran; UTC."""

    number: int
    start: datetime
    end: datetime

    @property
    def failed(self) -> bool:
        """Whether it came to nothing."""
        return self.number % FAILED_EVERY == 17

    @property
    def pruned(self) -> bool:
        """Whether it was stopped after a third of its items."""
        return not self.failed and self.number % PRUNED_EVERY == 5


@dataclass(frozen=True)
class Plan:
    """A study of so many trials, with so many items a slice and split."""

    trials: int
    items: int

    @cached_property
    def spec(self) -> StudySpec:
        """The study file at this size."""
        found = load_study(FILE)
        sized = [
            each.model_copy(update={"search": self.items, "holdout": self.items}) for each in found.slices
        ]
        budget = found.budget.model_copy(update={"trials": self.trials})
        return found.model_copy(update={"slices": tuple(sized), "budget": budget})

    @cached_property
    def space(self) -> SearchSpace:
        """What it searches; the models are named and never opened."""
        spec = self.spec
        base, *experts = (
            ModelRef(each.model, digest(each.model)) for each in (spec.base_model, *spec.experts)
        )
        names = spec.expert_names
        return SearchSpace(
            spec.search_space, base, tuple(experts), names, LAYERS, spec.dtype, spec.sampler.seed
        )

    @property
    def identity(self) -> dict[str, JSON]:
        """As a workshop would tell it."""
        models = {
            name: {
                "weights": ref.fingerprint,
                "config.json": digest("config"),
                "tokenizer.json": digest("tok"),
            }
            for name, ref in zip(
                ("base", *self.space.expert_names), (self.space.base, *self.space.experts), strict=True
            )
        }
        items = {f"{each.name}/{each.split}": digest(f"{each.digest} items") for each in self.slices}
        return {"study": self.spec.identity(), "models": models, "items": items}

    @cached_property
    def slices(self) -> list[StudySlice]:
        """Those that steer, then those that judge."""
        return [
            StudySlice(each.name, each.task, split, digest(f"{each.name} {split} {self.items}"), self.items)
            for split in SPLITS
            for each in self.spec.slices
        ]

    @cached_property
    def books(self) -> dict[str, Book]:
        """What there is to say, by the slice's digest."""
        return {part.digest: Book(part.name, part.split, part.n) for part in self.slices}

    @cached_property
    def landscape(self) -> Landscape:
        """What its candidates are worth."""
        return Landscape(tuple(self.space.distributions), tuple(each.name for each in self.spec.slices))

    def slots(self) -> Iterator[Slot]:
        """The trials in the order in which they began, shared by the workers."""
        random = np.random.default_rng(5)
        free = [BEGAN + timedelta(minutes=4 + i) for i in range(WORKERS)]
        for number in range(self.trials):
            worker = free.index(min(free))
            start, seconds = free[worker], float(random.uniform(25, 60))
            seconds *= 0.05 if Slot(number, start, start).failed else 1.0
            free[worker] = end = start + timedelta(seconds=seconds)
            yield Slot(number, start, end)


def digest(text: str) -> str:
    """A content's name."""
    return hashlib.sha256(text.encode()).hexdigest()
