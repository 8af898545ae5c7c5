"""The models that recipes speak of: how they are referred to, how they are opened, and found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from merging.errors import CheckpointError
from merging.family.prepare import Family, prepare
from merging.models.checkpoint import Checkpoint
from merging.models.fingerprint import Fingerprint, survey
from merging.models.locate import locate
from merging.models.naming import is_local
from merging.recipe import ModelRef, Recipe
from merging.recipe.rules import place_of
from merging.worker import MergeWorker

if TYPE_CHECKING:
    from studies.store.rows import ModelSubject


@dataclass(frozen=True)
class Found:
    """A model or an adapter as its user names it, and the folder where it is."""

    name: str
    relative_to: Path
    folder: Path

    def reference(self, fingerprint: str) -> ModelRef:
        """Folders by absolute path, hub models by id and revision: both can be found again from anywhere."""
        if is_local(self.name, self.relative_to):
            return ModelRef(path=str(self.folder), fingerprint=fingerprint)
        hub_id, _, revision = self.name.partition("@")
        return ModelRef(path=hub_id, fingerprint=fingerprint, revision=revision or None)


@dataclass(frozen=True)
class Opened:
    """A family that was made ready, with the fingerprints and references of base and experts."""

    family: Family
    fingerprints: tuple[Fingerprint, ...]
    refs: tuple[ModelRef, ...]
    tokenizer_source: str | None
    """As recipes remember it: `base`, `union`, or where one of the models is."""

    @property
    def worker(self) -> MergeWorker:
        """A merge worker over these models."""
        return MergeWorker(self.family.base, self.family.experts, self.refs[0], self.refs[1:])


def find(name: str, relative_to: Path, allow_pickle: bool = False) -> Found:
    """Locate a model, fetching it if need be; raises CheckpointError where there is none."""
    return Found(name, relative_to, locate(name, relative_to, allow_pickle))


def open_found(
    base: Found,
    experts: Sequence[Found],
    tokenizer_source: Found | str | None = None,
    allow_pickle: bool = False,
    pad_to_multiple_of: int | None = None,
) -> Opened:
    """Make a family of models, as `merging.prepare` does; `tokenizer_source` may be one of them.

    Raises:
        CheckpointError, OutputError: one line that names the file, the tensor or field, and the remedy.
    """
    source = str(tokenizer_source.folder) if isinstance(tokenizer_source, Found) else tokenizer_source
    folders = [expert.folder for expert in experts]
    family = prepare(
        base.folder,
        folders,
        tokenizer_source=source,
        pad_to_multiple_of=pad_to_multiple_of or 1,
        allow_pickle=allow_pickle,
    )
    fingerprints = tuple(survey(model) for model in (family.base, *family.experts))
    refs = tuple(
        found.reference(fingerprint.digest)
        for found, fingerprint in zip((base, *experts), fingerprints, strict=True)
    )
    if isinstance(tokenizer_source, Found):
        place = [each.resolve() for each in (base.folder, *folders)].index(tokenizer_source.folder.resolve())
        return Opened(family, fingerprints, refs, place_of(refs[place]))
    return Opened(family, fingerprints, refs, tokenizer_source)


def subject_of(model: Checkpoint, found: Found) -> ModelSubject:
    """A model as the store knows it; its weights are read, unless its fingerprint is remembered.

    Raises:
        CheckpointError: a tensor holds NaN or Inf.
    """
    ref = found.reference(survey(model).digest)
    parameters = sum(info.numel for info in model.tensors.values())
    architecture = str(model.config.get("model_type"))
    from studies.store.rows import ModelSubject  # a merge needs no database

    return ModelSubject(ref.fingerprint, ref.path, ref.revision, architecture, parameters)


def open_worker(recipe: Recipe) -> MergeWorker:
    """Open a recipe's models where it says they are, and make sure that they are what it was made of.

    Raises:
        CheckpointError, OutputError: a model is gone, is no longer what it was, or cannot be made ready.
    """
    refs = (recipe.base, *recipe.experts)
    found = {place_of(ref): find(place_of(ref), Path.cwd(), recipe.allow_pickle) for ref in refs}
    base, *experts = (found[place_of(ref)] for ref in refs)
    source = found.get(recipe.tokenizer_source or "", recipe.tokenizer_source)
    opened = open_found(base, experts, source, recipe.allow_pickle, recipe.pad_to_multiple_of)
    for ref, model, now in zip(
        refs, (opened.family.base, *opened.family.experts), opened.fingerprints, strict=True
    ):
        _check_unchanged(ref, model, now, aligned=recipe.tokenizer_source is not None)
    return MergeWorker(opened.family.base, opened.family.experts, refs[0], refs[1:])


def _check_unchanged(ref: ModelRef, model: Checkpoint, now: Fingerprint, aligned: bool) -> None:
    if now.digest == ref.fingerprint:
        return
    also = ", or that of a model it shares a vocabulary with," if aligned else ""
    raise CheckpointError(
        f"{model.path}: this model's content{also} changed since the recipe was made; restore it"
    )
