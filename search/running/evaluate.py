"""`crucible evaluate`: how good any model is at a study's items, outside the search."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from evaluators.benchmarks.fit import fit
from evaluators.benchmarks.slices import Slice, build_slices, retold
from evaluators.engines.reader import open_reader
from evaluators.errors import EngineError
from evaluators.judge import check_gradable
from evaluators.score import Accuracy, wilson
from merging.family.prepare import open_model, prepare
from merging.layout import n_layers
from merging.models.checkpoint import Checkpoint, is_adapter
from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from search.candidates.models import Found, find, subject_of
from search.running.answerable import check_answerable
from search.running.measure import Bench
from search.running.workshop import (
    Workshop,
    computing_as,
    fit_slices,
    open_workshop,
    slice_requests,
    start_engine,
    study_slices,
)
from search.showing.evaluation import Evaluation
from search.study_file.began import as_begun
from search.study_file.models import BASELINES
from search.study_file.spec import StudySpec
from studies.store import StudyStore
from studies.store.rows import Filed, ModelSubject

logger = logging.getLogger(__name__)

NOT_SEARCHED = "no search yet, only models were evaluated: `crucible run` begins it"
_TRIAL = re.compile(r"(trial )?\d+")
"""What names a trial names no model."""


@dataclass(frozen=True)
class Asked:
    """What a model is asked, and as what the store files its answers."""

    spec: StudySpec
    slices: tuple[Slice, ...]
    filed: tuple[Slice, ...]
    """The same questions, one slice for one, as the candidates of the study are asked them."""
    setting: str = ""
    """What tells the study's answers from those under its base's own generation config."""
    workshop: Workshop | None = None
    """Of the study that keeps the model."""

    def keys(self, engine: str) -> dict[tuple[str, str, str], str]:
        """What each slice's evidence is filed under, asked by an engine of that description."""
        return {(s.name, s.split, s.scoring): s.digest(engine + self.setting) for s in self.filed}

    def answered(self, split: str) -> list[Slice]:
        """The slices of a split on which accuracy is told."""
        return [part for part in self.slices if part.split == split and part.scoring != "gold"]


def evaluate(
    model: str, spec: StudySpec, url: str, allow_pickle: bool = False, keep: bool = False
) -> Evaluation:
    """Ask a model (a folder, or a hub id) the study's items, as the study asks its candidates.

    A LoRA adapter is asked on top of the study's base. Answers are kept in the store under the model's
    fingerprint, so an interrupted evaluation goes on. With `keep` the model becomes a candidate of the study,
    which begins if it has not yet.

    Raises:
        ValueError kin: what the user can put right. EngineError: the model cannot be run.
    """
    allow_pickle = allow_pickle or spec.allow_pickle
    found = find(model, Path.cwd(), allow_pickle)
    checkpoint = _open(found, spec, allow_pickle)
    check_answerable(checkpoint)
    subject = subject_of(checkpoint, found)
    asked = (_of_the_study if keep else _of_its_own)(spec, checkpoint.folder)
    with StudyStore(url) as store, closing(start_engine(asked.spec, checkpoint.folder)) as engine:
        bench = Bench(store, engine, keys=asked.keys(engine.description))
        store.remember_slices(study_slices(asked.filed, bench.key))
        store.add_model(subject)
        with _kept(store, asked, bench, subject) as kept:
            itself = _itself(checkpoint, found.reference(subject.digest), allow_pickle)
            store.adopt(_known(subject.digest, itself.digest, asked, bench))
            bench.measure(subject.digest, checkpoint, asked.slices)
        search, holdout = (
            _accuracies(bench, subject.digest, asked.answered(split)) for split in ("search", "holdout")
        )
        return Evaluation(model, subject.digest, search, holdout, kept)


def _of_its_own(spec: StudySpec, model: Path) -> Asked:
    """The items as a study of this very model would have them."""
    search, holdout = build_slices(slice_requests(spec, model))
    fitted = fit_slices((*search, *holdout), spec, model)
    for long in fitted.long:
        logger.warning("%s", long)
    check_gradable(fitted.slices)
    return Asked(spec, fitted.slices, fitted.slices)


def _of_the_study(spec: StudySpec, model: Path) -> Asked:
    """The very items that the study's candidates are asked, all of them, in the model's own chat template.

    What does not fit into its context loses its beginning, for a candidate that was not asked every item is
    not judged.
    """
    workshop = open_workshop(spec)
    # A study of gold answers steers by their likelihood; accuracy is told of the same items.
    also = [_generated(part) for part in workshop.slices if part.scoring == "gold"]
    filed = (*workshop.slices, *also)
    slices = retold(filed, slice_requests(spec, model))
    for long in fit(
        slices, open_reader(model), dict.fromkeys((part.name for part in slices), "truncate")
    ).long:
        logger.warning("%s", long)
    check_gradable(slices)
    setting = workshop.setting
    computing = computing_as(spec, workshop.fitted.folder() if workshop.fitted else workshop.base.folder)
    return Asked(computing, slices, filed, setting, workshop)


def _generated(part: Slice) -> Slice:
    return replace(part, scoring="choices" if part.items and part.items[0].choices else "generate")


def _open(found: Found, spec: StudySpec, allow_pickle: bool) -> Checkpoint:
    if not is_adapter(found.folder):
        return open_model(found.folder, allow_pickle=allow_pickle)
    base = find(spec.base_model.model, spec.folder, allow_pickle)
    own = str(found.folder) if spec.tokenizer_source else None  # it may have tokens that the base lacks
    family = prepare(base.folder, [found.folder], tokenizer_source=own, allow_pickle=allow_pickle)
    return family.experts[0]


@contextmanager
def _kept(store: StudyStore, asked: Asked, bench: Bench, subject: ModelSubject) -> Iterator[str | None]:
    """Make a model a candidate of the study that keeps it, if any does; gives its name there."""
    if asked.workshop is None:
        yield None
        return
    study = _begin(store, asked.workshop, bench)
    name = _name(store, study, asked.workshop.spec, subject)
    store.register_candidate(study, "model", name, None, subject.digest)
    try:
        yield name
    except EngineError as error:
        store.finish_candidate(study, "model", name, str(error))
        raise
    store.finish_candidate(study, "model", name)


def _begin(store: StudyStore, workshop: Workshop, bench: Bench) -> int:
    """Begin the study as `run` does, or find it as it began."""
    name = workshop.spec.name
    fresh = name not in {each.name for each in store.studies()}
    workshop = replace(workshop, spec=as_begun(workshop.spec, store))
    study = store.begin(name, workshop.identity())
    store.add_slices(study, study_slices(workshop.slices, bench.key))
    if fresh:
        store.set_state(study, "stopped", NOT_SEARCHED)
    return study


def _name(store: StudyStore, study: int, spec: StudySpec, subject: ModelSubject) -> str:
    """The last part of the model's path or hub id; what is called so already, it is not."""
    known = store.candidates(study)
    for each in known:
        if (each.kind, each.digest) == ("model", subject.digest):
            return each.name
    name = Path(os.path.normpath(subject.path)).name
    taken = {*BASELINES, spec.base_name, *spec.expert_names, *(each.name for each in known)}
    if name in taken or _TRIAL.fullmatch(name):
        return f"{name} ({subject.digest[:8]})"
    return name


def _known(subject: str, itself: str, asked: Asked, bench: Bench) -> list[tuple[Filed, Filed]]:
    """Where answers of the same model to the same prompts may lie already.

    Before models were subjects, theirs was filed under the recipe that makes a model of itself. And what was
    asked outside the study is filed without the study's setting, which is not the model's.
    """
    own = [part.digest(bench.engine.description) for part in asked.slices]
    keys = [bench.key(part) for part in asked.slices]
    return [
        (Filed(of, was), Filed(subject, now))
        for was, now in zip(own, keys, strict=True)
        for of in (itself, subject)
        if (of, was) != (subject, now)
    ]


def _itself(checkpoint: Checkpoint, ref: ModelRef, allow_pickle: bool) -> Recipe:
    """The recipe that makes a model of itself alone: what its evidence used to be filed under."""
    layers, outer = whole_model(Parameters(weight=(1.0,), density=(1.0,)), n_layers(checkpoint.tensors))
    return Recipe(ref, (ref,), "linear", layers, outer, dtype="float32", allow_pickle=allow_pickle)


def _accuracies(bench: Bench, digest: str, slices: Sequence[Slice]) -> dict[str, Accuracy]:
    tallies = {part.name: bench.store.tallies([digest], bench.key(part))[digest] for part in slices}
    return {name: wilson(tally.correct, tally.n) for name, tally in tallies.items()}
