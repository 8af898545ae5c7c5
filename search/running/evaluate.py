"""`crucible evaluate`: how good any model is at a study's items, outside the search."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from evaluators.benchmarks.slices import Slice, build_slices
from evaluators.judge import check_gradable
from evaluators.score import Accuracy, wilson
from merging.family.prepare import open_model, prepare
from merging.layout import n_layers
from merging.models.checkpoint import Checkpoint, is_adapter
from merging.models.fingerprint import survey
from merging.recipe import Parameters, Recipe, whole_model
from search.candidates.models import Found, find
from search.running.answerable import check_answerable
from search.running.measure import Bench
from search.running.workshop import fit_slices, slice_requests, start_engine, study_slices
from search.showing.evaluation import Evaluation
from search.study_file.spec import StudySpec
from studies.store import StudyStore

logger = logging.getLogger(__name__)


def evaluate(model: str, spec: StudySpec, url: str, allow_pickle: bool = False) -> Evaluation:
    """Ask a model (a folder, or a hub id) the study's items, as the study asks its candidates.

    A LoRA adapter is asked on top of the study's base. Answers are kept in the store under the model's
    fingerprint, so an interrupted evaluation goes on.

    Raises:
        ValueError kin: what the user can put right. EngineError: the model cannot be run.
    """
    allow_pickle = allow_pickle or spec.allow_pickle
    found = find(model, Path.cwd(), allow_pickle)
    checkpoint = _open(found, spec, allow_pickle)
    check_answerable(checkpoint)
    recipe = _itself(checkpoint, found, allow_pickle)
    search, holdout = _slices(spec, checkpoint.folder)
    with StudyStore(url) as store, closing(start_engine(spec, checkpoint.folder)) as engine:
        bench = Bench(store, engine)
        store.remember_slices(study_slices((*search, *holdout), bench.key))
        digest = store.add_recipe(recipe)
        bench.measure(digest, checkpoint, (*search, *holdout))
        return Evaluation(
            model=model,
            fingerprint=recipe.base.fingerprint,
            search=_accuracies(bench, digest, search),
            holdout=_accuracies(bench, digest, holdout),
        )


def _slices(spec: StudySpec, model: Path) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    search, holdout = build_slices(slice_requests(spec, model))
    fitted = fit_slices((*search, *holdout), spec, model)
    for long in fitted.long:
        logger.warning("%s", long)
    check_gradable(fitted.slices)
    return fitted.slices[: len(search)], fitted.slices[len(search) :]


def _open(found: Found, spec: StudySpec, allow_pickle: bool) -> Checkpoint:
    if not is_adapter(found.folder):
        return open_model(found.folder, allow_pickle=allow_pickle)
    base = find(spec.base_model.model, spec.folder, allow_pickle)
    own = str(found.folder) if spec.tokenizer_source else None  # it may have tokens that the base lacks
    family = prepare(base.folder, [found.folder], tokenizer_source=own, allow_pickle=allow_pickle)
    return family.experts[0]


def _itself(checkpoint: Checkpoint, found: Found, allow_pickle: bool) -> Recipe:
    """The recipe that makes a model of itself alone: what its evidence is filed under."""
    ref = found.reference(survey(checkpoint).digest)
    layers, outer = whole_model(Parameters(weight=(1.0,), density=(1.0,)), n_layers(checkpoint.tensors))
    return Recipe(ref, (ref,), "linear", layers, outer, dtype="float32", allow_pickle=allow_pickle)


def _accuracies(bench: Bench, digest: str, slices: Sequence[Slice]) -> dict[str, Accuracy]:
    tallies = {part.name: bench.store.tallies([digest], bench.key(part))[digest] for part in slices}
    return {name: wilson(tally.correct, tally.n) for name, tally in tallies.items()}
