"""Hand a candidate over: as a recipe, as mergekit's YAML, or as a checkpoint."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from merging.errors import RecipeError
from merging.mergekit.read import to_mergekit
from merging.methods.registry import nearest
from merging.models.checkpoint import is_adapter
from merging.models.writer import ensure_writable, save_text
from merging.recipe import Recipe, dump_recipe
from merging.worker import MergeWorker
from search.candidates.candidate import SMALL, write_candidate
from search.candidates.card import CARD, fenced, model_card
from search.candidates.fused import export_fused
from search.candidates.glossary import glossary
from search.candidates.licenses import licenses_of
from search.candidates.models import open_worker
from search.candidates.originals import as_found
from search.candidates.verdict import Found, found_in
from search.errors import SearchError
from studies.store import StudyStore
from studies.store.rows import ModelSubject
from studies.verdicts.leaderboard import Row, build_leaderboard, points
from studies.verdicts.stopped import row_of, stopped_trial

logger = logging.getLogger(__name__)

FORMATS = ("recipe", "mergekit", "checkpoint")
RECIPE_FILE = "recipe.yaml"
MERGEKIT_FILE = "merge.yaml"


def export_best(
    url: str, study: str, out: Path, form: str, trial: int | None = None, candidate: str | None = None
) -> tuple[Row, Path]:
    """Write the best candidate of a study, or the one named, into the folder `out`; return its row and path.

    A trial that was stopped early is written too, where its number is given.

    Raises:
        ValueError kin: no such study, candidate or format; several objectives, and none named; a model that
            changed; a folder that cannot be written.
    """
    if form not in FORMATS:
        raise SearchError(f"--format {form!r} is none of {', '.join(FORMATS)}{nearest(form, FORMATS)}")
    with StudyStore(url, create=False, patience=0) as store:
        rows = build_leaderboard(store, study)
        stopped = stopped_trial(store, study, trial) if trial is not None and candidate is None else None
        row = row_of(store, study, stopped) if stopped else choose(rows, study, trial, candidate)
        subject = store.subject(row.digest)
        found = replace(found_in(store, study, row, rows), stopped=stopped.reason if stopped else None)
    if stopped is not None:
        logger.warning("%s has no score: it was %s", stopped.name, stopped.reason)
    if isinstance(subject, Recipe):
        return row, export(subject, out, form, found)
    if subject.made is not None and form == "checkpoint":
        return row, export_fused(subject, out, found)
    raise _no_merge(subject, row, rows)


def choose(rows: Sequence[Row], study: str, trial: int | None, candidate: str | None = None) -> Row:
    """The row to export: the trial or the candidate asked for, else the best.

    Raises:
        SearchError: there is no such candidate, nothing was measured yet, or nobody is best because the study
            has several objectives.
    """
    if candidate is not None:
        return _called(rows, study, trial, candidate)
    if trial is not None:
        rows = [row for row in rows if row.trial == trial]
    elif front := points(rows):
        raise SearchError(
            f"study {study!r} has several objectives, and nobody is best in all; name whom to take, of its"
            f" front: {', '.join(map(named_by, front))}"
        )
    if not rows:
        which = f"trial {trial} that was measured" if trial is not None else "candidate measured yet"
        raise SearchError(f"study {study!r} has no {which}; see `crucible leaderboard {study}`")
    return rows[0]


def named_by(row: Row) -> str:
    """The option that names a candidate of its study."""
    return f"--candidate {shlex.quote(row.name)}" if row.trial is None else f"--trial {row.trial}"


def _called(rows: Sequence[Row], study: str, trial: int | None, name: str) -> Row:
    if trial is not None:
        raise SearchError("--trial and --candidate both name the candidate; give one of them")
    for row in rows:
        if row.name == name or row.kind == name == "base":
            return row
    known = [row.name for row in rows if row.kind != "trial"]
    raise SearchError(
        f"study {study!r} has no candidate {name!r} that was measured; it has {', '.join(known)} and trials"
        f"{nearest(name, [row.name for row in rows])}"
    )


def _no_merge(subject: ModelSubject, row: Row, rows: Sequence[Row]) -> SearchError:
    if subject.made is not None:
        return SearchError(
            f"{row.name!r} is no merge but a fused model, in {subject.path}: write `--format checkpoint`, or"
            " take it as it is"
        )
    merge = next(
        (f", or take the best merge: --trial {each.trial}" for each in rows if each.trial is not None), ""
    )
    return SearchError(f"{row.name!r} is no merge but the model {subject.path}: take it as it is{merge}")


def export(recipe: Recipe, out: Path, form: str, found: Found | None = None) -> Path:
    """Write the recipe's candidate into the folder `out` in one form; return the file or folder written.

    Where the candidate was `found` is said by a checkpoint's model card, and what that study calls its models
    by comments in the others.

    Raises:
        OutputError: `out` holds something already or cannot be written.
        CheckpointError: a model of the recipe is gone, or is no longer what it was.
    """
    ensure_writable(out, SMALL)
    names = found.names if found else {}
    if form == "recipe":
        save_text(out / RECIPE_FILE, glossary(recipe, names) + dump_recipe(recipe))
        return out / RECIPE_FILE
    worker = open_worker(recipe)
    if form == "mergekit":
        note = glossary(as_found(recipe, worker), names)
        save_text(out / MERGEKIT_FILE, note + mergekit_yaml(recipe, worker))
        return out / MERGEKIT_FILE
    note = glossary(recipe, names)
    return write_candidate(recipe, worker, out, {CARD: card_of(recipe, worker, found)}, note=note)


def card_of(recipe: Recipe, worker: MergeWorker, found: Found | None = None) -> str:
    """The model card of a recipe's checkpoint, with its config as mergekit would have it."""
    try:
        config = fenced(mergekit_yaml(recipe, worker), "yaml")
    except RecipeError as error:
        config = f"It has no mergekit config: {str(error).partition(';')[0]}."
    judged = found.judged() if found else None
    return model_card(as_found(recipe, worker), config, judged, licenses_of(recipe, worker))


def mergekit_yaml(recipe: Recipe, worker: MergeWorker) -> str:
    """The recipe in mergekit's dialect, exact to the element that a trim keeps, with no path into a cache."""
    adapters = [i for i, expert in enumerate(worker.experts) if is_adapter(expert.path)]
    densities = worker.kept_densities(recipe)
    return to_mergekit(as_found(recipe, worker), worker.base.tensors, densities, adapters)
