"""Subjects of evidence as model folders: raw models where they are, merges written out once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from merging.errors import CheckpointError
from merging.family.outfit import outfit
from merging.family.prepare import open_model
from merging.models.checkpoint import Checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import checkpoint_bytes, write_checkpoint
from merging.recipe import Recipe, load_recipe
from merging.worker import Candidate
from search.candidates.candidate import RECIPE_IN_CHECKPOINT, chosen_model, write_candidate
from search.candidates.fused import dtype_of
from search.candidates.models import find, open_worker
from studies.store.rows import ModelSubject

MODELS = "models"
"""The folder of models that were written out: merges, and what was pickled."""
_UNSAYABLE = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Role:
    """A model with a part in the fusion: what its row is called, and what its evidence is of."""

    name: str
    subject: Recipe | ModelSubject

    @property
    def digest(self) -> str:
        """Of the subject."""
        return self.subject.digest

    @property
    def slug(self) -> str:
        """A name for files: readable, and of this subject alone."""
        return f"{safe_name(self.name)}-{self.digest[:8]}"


@dataclass(frozen=True)
class Material:
    """A role's model on disk."""

    role: Role
    checkpoint: Checkpoint
    fingerprint: str

    @property
    def name(self) -> str:
        """What its row is called."""
        return self.role.name

    @property
    def folder(self) -> Path:
        """Weights, config and tokenizer, as any library reads them."""
        return self.checkpoint.path


def safe_name(name: str) -> str:
    """A name of files, from what a row is called."""
    return _UNSAYABLE.sub("-", name).strip("-.")


def tokenizer_folder(role: Role, allow_pickle: bool) -> Path:
    """Where the config and the tokenizer files of a role's model lie before it is written out.

    Raises:
        CheckpointError, OutputError: a model is gone, or no longer what it was.
    """
    if isinstance(role.subject, ModelSubject):
        return open_raw(role.subject, allow_pickle).folder
    worker = open_worker(role.subject)
    return outfit((worker.base, *worker.experts), chosen_model(role.subject)).folder()


def bytes_to_write(role: Role, folder: Path, allow_pickle: bool) -> int:
    """Bytes that writing a role's model into `folder` takes; 0 where it is there, or stays where it is."""
    place = folder / role.slug
    if isinstance(role.subject, ModelSubject):
        raw = open_raw(role.subject, allow_pickle)
        stays = raw.config_folder is None or place.is_dir()
        return 0 if stays else checkpoint_bytes(raw, dtype_of(raw))
    if _holds(place, role.subject):
        return 0
    worker = open_worker(role.subject)
    return checkpoint_bytes(worker.base, role.subject.dtype, Candidate(worker, role.subject).shapes)


def materialise(role: Role, folder: Path, allow_pickle: bool, quiet: bool) -> Material:
    """Write a merge into a folder of its own in `folder`, whole or not at all, unless it is there already.

    A model as it is stays where it is; one with pickled weights is written there as safetensors.

    Raises:
        OutputError: it cannot be written. CheckpointError: a model is gone, or no longer what it was.
        CandidateError: the merge holds NaN or Inf.
    """
    place = folder / role.slug
    if isinstance(role.subject, ModelSubject):
        return Material(role, _plain(open_raw(role.subject, allow_pickle), place), role.digest)
    if not _holds(place, role.subject):
        write_candidate(role.subject, open_worker(role.subject), place, quiet=quiet)
    checkpoint = open_model(place)
    return Material(role, checkpoint, survey(checkpoint).digest)


def open_raw(subject: ModelSubject, allow_pickle: bool) -> Checkpoint:
    """Open a model where it was last seen, and make sure that it is what was asked.

    Raises:
        CheckpointError: it is gone, or has changed.
    """
    place = f"{subject.path}@{subject.revision}" if subject.revision else subject.path
    checkpoint = open_model(find(place, Path.cwd(), allow_pickle).folder, allow_pickle=allow_pickle)
    if survey(checkpoint).digest != subject.digest:
        raise CheckpointError(
            f"{place}: this model's content changed since its answers were measured; restore it, or evaluate"
            " it again with --keep"
        )
    return checkpoint


def _plain(raw: Checkpoint, place: Path) -> Checkpoint:
    """A model whose folder any library reads: its own, or `place` where its own holds pickles."""
    if raw.config_folder is None:
        return raw
    if not place.is_dir():
        write_checkpoint(raw, place, raw, dtype_of(raw))
    return open_model(place)


def _holds(place: Path, recipe: Recipe) -> bool:
    """Whether a folder holds the recipe's checkpoint, which is renamed into place when it is whole."""
    said = place / RECIPE_IN_CHECKPOINT
    return said.is_file() and load_recipe(said.read_text(encoding="utf-8"), str(said)).digest == recipe.digest
