"""Small studies to test with: recipes of no real model, slices of no real items."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.score import ItemResult
from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from studies.store import StudyStore
from studies.store.rows import CandidateKind, Split, StudySlice


def make_recipe(weight: float) -> Recipe:
    """A merge of two experts into a model of two layers; another weight is another recipe."""
    layers, outer = whole_model(Parameters(weight=(weight, 0.5), density=(1.0, 1.0)), 2)
    experts = (ModelRef("./math", "print-of-math"), ModelRef("./code", "print-of-code"))
    return Recipe(ModelRef("./base", "print-of-base"), experts, "task_arithmetic", layers, outer, "bfloat16")


def make_slice(
    name: str = "gsm8k", split: Split = "search", n: int = 8, digest: str | None = None
) -> StudySlice:
    return StudySlice(name, name, split, digest or f"digest of {name} {split}", n)


def make_results(correct: Iterable[bool], *, first: int = 0, text: str = "the answer is") -> list[ItemResult]:
    """One result per given verdict, for the items from `first` on."""
    return [
        ItemResult(item, right, f"{text} {item}", 7, 0.25, f"prompt {item}", extracted=str(item))
        for item, right in enumerate(correct, first)
    ]


def enter(
    store: StudyStore, study: int, kind: CandidateKind, name: str, weight: float, trial: int | None = None
) -> str:
    """Registers a candidate and marks it as complete; returns its digest."""
    digest = store.add_recipe(make_recipe(weight))
    store.register_candidate(study, kind, name, trial, digest)
    store.finish_candidate(study, kind, name)
    return digest


def begin_with_slice(store: StudyStore, n: int = 8) -> tuple[int, str, str]:
    """A study with one slice and one candidate: (study, recipe digest, slice digest)."""
    study = store.begin("tiny", {"seed": 0})
    part = make_slice(n=n)
    store.add_slices(study, [part])
    return study, enter(store, study, "trial", "trial 0", 0.25, 0), part.digest
