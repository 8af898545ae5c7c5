"""`crucible evaluate`: how good any model is at a study's items, outside the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from evaluators.score import Accuracy, wilson
from evaluators.slices import Slice, build_slices
from merging.checkpoint import Checkpoint, open_checkpoint
from merging.fingerprint import survey
from merging.layout import n_layers
from merging.locate import locate
from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from search.measure import Bench
from search.models import reference
from search.spec import StudySpec
from search.workshop import slice_requests, start_engine, study_slices
from studies.store import StudyStore


@dataclass(frozen=True)
class Evaluation:
    """A model's accuracy on both splits of a study's slices."""

    model: str
    fingerprint: str
    search: Mapping[str, Accuracy]
    holdout: Mapping[str, Accuracy]

    @property
    def holdout_mean(self) -> float:
        """Unweighted mean over the holdout slices."""
        return fmean(score.mean for score in self.holdout.values())

    def to_json(self) -> dict[str, Any]:
        """As `crucible evaluate --json` prints it; scores are fractions."""
        return {**asdict(self), "holdout_mean": self.holdout_mean}


def evaluate(model: str, spec: StudySpec, url: str) -> Evaluation:
    """Ask a model (a folder, or a hub id) the study's items, as the study asks its candidates.

    Answers are kept in the store under the model's fingerprint, so an interrupted evaluation goes on.

    Raises:
        ValueError kin: what the user can put right. EngineError: the model cannot be run.
    """
    checkpoint = open_checkpoint(locate(model, Path.cwd()))
    recipe = _itself(checkpoint, reference(model, checkpoint, survey(checkpoint).digest, Path.cwd()))
    search, holdout = build_slices(slice_requests(spec))
    with StudyStore(url) as store:
        bench = Bench(store, start_engine(spec, checkpoint.path))
        store.remember_slices(study_slices((*search, *holdout), bench.key))
        digest = store.add_recipe(recipe)
        bench.measure(digest, checkpoint, (*search, *holdout))
        return Evaluation(
            model=model,
            fingerprint=recipe.base.fingerprint,
            search=_accuracies(bench, digest, search),
            holdout=_accuracies(bench, digest, holdout),
        )


def _itself(checkpoint: Checkpoint, ref: ModelRef) -> Recipe:
    """The recipe that makes a model of itself alone: what its evidence is filed under."""
    layers, outer = whole_model(Parameters(weight=(1.0,), density=(1.0,)), n_layers(checkpoint.tensors))
    return Recipe(ref, (ref,), "linear", layers, outer, dtype="float32")


def _accuracies(bench: Bench, digest: str, slices: Sequence[Slice]) -> dict[str, Accuracy]:
    tallies = {part.name: bench.store.tallies([digest], bench.key(part))[digest] for part in slices}
    return {name: wilson(tally.correct, tally.n) for name, tally in tallies.items()}
