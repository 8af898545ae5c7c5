"""Where fused models are judged: the items and the engine of the target's study, and who else was asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluators.benchmarks.slices import Slice, build_slices
from evaluators.judge import check_gradable
from merging.family.outfit import outfit, setting
from merging.recipe import Recipe
from search.candidates.candidate import chosen_model
from search.candidates.models import open_worker
from search.fusing.materials import Role, tokenizer_folder
from search.running.measure import Bench
from search.running.workshop import fit_slices, slice_requests, start_engine, steering, study_slices
from search.study_file.spec import EngineSpec, StudySpec
from studies.store import StudyStore

logger = logging.getLogger(__name__)
Part = tuple[str, str]
"""A slice's name, and its split."""


@dataclass(frozen=True)
class Court:
    """The questions, and how they are asked: as the target's study asks its candidates."""

    spec: StudySpec
    slices: tuple[Slice, ...]
    """Those that steer, then those that judge."""
    folder: Path
    """Config and tokenizer of the target."""
    setting: str
    """What answers depend on beside engine and items, as studies say it."""

    @property
    def items(self) -> dict[str, str]:
        """What is asked, however: the items' digests as studies' identities hold them."""
        return {f"{part.name}/{part.split}": part.digest("") for part in self.slices}

    @contextmanager
    def bench(self, store: StudyStore) -> Iterator[Bench]:
        """Start the engine; what it is asked is kept in the store."""
        with closing(start_engine(self.spec, self.folder)) as engine:
            bench = Bench(store, engine, setting=self.setting)
            store.remember_slices(study_slices(self.slices, bench.key))
            yield bench


def open_court(spec: StudySpec, engine: EngineSpec | None, target: Role, allow_pickle: bool) -> Court:
    """Draw the items of the target's study; `engine` wins over the study's.

    Raises:
        ValueError kin: items, config or tokenizer cannot be read; answers that are programs cannot be run.
    """
    asked = spec if engine is None else spec.model_copy(update={"engine": engine})
    folder = tokenizer_folder(target, allow_pickle)
    search, holdout = build_slices(slice_requests(asked, folder))
    fitted = fit_slices((*steering(search, asked.objective), *holdout), asked, folder)
    for long in fitted.long:
        logger.warning("%s", long)
    check_gradable(fitted.slices)
    return Court(asked, fitted.slices, folder, _setting(target))


def _setting(target: Role) -> str:
    if not isinstance(target.subject, Recipe):
        return ""
    worker = open_worker(target.subject)
    fitted = outfit((worker.base, *worker.experts), chosen_model(target.subject))
    return setting(fitted, worker.base)
