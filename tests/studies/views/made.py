"""A study as a search would have left it, small enough to reckon by hand.

Two slices of 4 search and 8 holdout items; a base, two experts, a uniform merge and any number of trials. Who
answers `k` right answers the first k items right. Optuna's tables are Optuna's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from evaluators.score import ItemResult
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule, whole_model
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import CandidateKind, Split, StudySlice
from studies.trials import Trials

SEARCH, HOLDOUT = 4, 8
SLICES = ("gsm8k", "math")
BASE = ModelRef("./base", "print-of-base")
EXPERTS = (ModelRef("./maths-expert", "print-of-maths"), ModelRef("./code-expert", "print-of-code"))
NAMES = ("maths", "coder.v2")
"""What the study calls its experts."""
RANGE = '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}'


def recipe_of(
    weight: Sequence[float], method: str = "ties", density: Sequence[float] = (0.5, 1.0), **more: Any
) -> Recipe:
    """Two layer groups of two layers; the second weighs twice as much, its `mlp` three times."""

    def rule(times: float, match: tuple[str, ...] = ()) -> Rule:
        return Rule(match, Parameters(tuple(w * times for w in weight), tuple(density), lambda_=2.0))

    layers = (
        LayerGroup(0, 2, (rule(1),)),
        LayerGroup(2, 4, (rule(3, ("mlp",)), rule(2))),
    )
    return Recipe(BASE, EXPERTS, method, layers, (rule(1),), "bfloat16", **more)


def baseline(weight: tuple[float, float], *, normalize: bool = True, method: str = "linear") -> Recipe:
    layers, outer = whole_model(Parameters(weight, (1.0, 1.0), normalize=normalize), 4)
    return Recipe(BASE, EXPERTS, method, layers, outer, "bfloat16")


@dataclass
class Made:
    """A study that is being made."""

    store: StudyStore
    id: int
    name: str

    def part(self, name: str, split: Split) -> StudySlice:
        return next(each for each in self.store.slices(self.id) if (each.name, each.split) == (name, split))

    def answers(self, digest: str, split: Split, right: Sequence[int], asked: int | None = None) -> None:
        """How many of each slice's items are answered rightly, of the first so many or all."""
        for name, k in zip(SLICES, right, strict=True):
            part = self.part(name, split)
            n = part.n if asked is None else asked
            results = [
                ItemResult(i, i < k, f"{name} answer {i}", 10 + i, 0.5, f"prompt {i}", extracted=str(i))
                for i in range(n)
            ]
            self.store.record(digest, part.digest, results)

    def enter(
        self,
        kind: CandidateKind,
        name: str,
        recipe: Recipe,
        search: Sequence[int],
        holdout: Sequence[int] | None = None,
        trial: int | None = None,
    ) -> str:
        """A complete candidate with so many right answers by slice."""
        self.store.enter(self.id, kind, name, trial, recipe)
        self.answers(recipe.digest, "search", search)
        if holdout is not None:
            self.answers(recipe.digest, "holdout", holdout)
        self.store.finish_candidate(self.id, kind, name)
        return recipe.digest

    def baselines(self) -> None:
        self.enter(
            "base", "base", baseline((0.0, 0.0), normalize=False, method="task_arithmetic"), (1, 1), (2, 2)
        )
        self.enter("expert", NAMES[0], baseline((1.0, 0.0)), (1, 4), (2, 7))
        self.enter("expert", NAMES[1], baseline((0.0, 1.0)), (3, 1), (6, 2))
        self.enter("uniform", "uniform", baseline((1.0, 1.0)), (2, 2), (4, 4))

    def trial(self, number: int, search: Sequence[int], holdout: Sequence[int] | None = None) -> str:
        recipe = recipe_of((0.1 + number / 10, 0.5))
        return self.enter("trial", f"trial {number}", recipe, search, holdout, number)

    def fail(self, number: int, failure: str | None = "not finite") -> None:
        self.store.enter(self.id, "trial", f"trial {number}", number, recipe_of((5.0 + number, 0.5)))
        self.store.finish_candidate(self.id, "trial", f"trial {number}", "it holds <NaN>", failure)

    def prune(self, number: int, right: Sequence[int], asked: int = 2) -> str:
        recipe = recipe_of((7.0 + number, 0.5))
        self.store.enter(self.id, "trial", f"trial {number}", number, recipe)
        self.answers(recipe.digest, "search", right, asked)
        self.store.finish_candidate(
            self.id, "trial", f"trial {number}", "unlikely to beat the best", pruned=True
        )
        return recipe.digest

    def run(self, number: int) -> None:
        self.store.enter(self.id, "trial", f"trial {number}", number, recipe_of((9.0 + number, 0.5)))


def make_study(store: StudyStore, name: str = "made", **study: JSON) -> Made:
    """A study that has begun; what it says beside its budget of 10 trials is given."""
    models = {"base": {}, **{each: {} for each in NAMES}}
    said: Mapping[str, JSON] = {"budget": {"trials": 10, "hours": None}, **study}
    made = Made(store, store.begin(name, {"study": said, "models": models}), name)
    parts = [
        StudySlice(slice_, slice_, split, f"{slice_} {split}", n)
        for split, n in (("search", SEARCH), ("holdout", HOLDOUT))
        for slice_ in SLICES
    ]
    store.add_slices(made.id, parts)
    return made


def tell_optuna(
    url: str,
    name: str,
    told: Sequence[tuple[str, Sequence[float], Mapping[str, float]]],
    directions: Sequence[str] = ("maximize",),
) -> None:
    """A study of Optuna's with a trial for each (state, values, parameters), in their order."""
    optuna = pytest.importorskip("optuna")
    storage = optuna.storages.RDBStorage(url)
    optuna.create_study(study_name=name, storage=storage, directions=list(directions))
    storage.remove_session()
    storage.engine.dispose()
    with closing(Trials(url, name)) as trials:
        for state, values, params in told:
            number = trials.begin()
            (trial,) = [each for each in trials.read() if each.number == number]
            trials.fill(trial, {key: (value, RANGE) for key, value in params.items()}, {}, {})
            if state != "RUNNING":
                trials.end(number, state, values)  # type: ignore[arg-type]
