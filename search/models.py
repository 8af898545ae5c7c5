"""The models that recipes speak of: how they are referred to, and how they are found again."""

from __future__ import annotations

from pathlib import Path

from merging.checkpoint import Checkpoint, open_checkpoint
from merging.errors import CheckpointError
from merging.family import check_family
from merging.fingerprint import survey
from merging.locate import is_local, locate
from merging.recipe import ModelRef, Recipe
from merging.worker import MergeWorker


def reference(name: str, model: Checkpoint, fingerprint: str, relative_to: Path) -> ModelRef:
    """Folders by absolute path, hub models by id and revision: both can be found again from anywhere."""
    if is_local(name, relative_to):
        return ModelRef(path=str(model.path), fingerprint=fingerprint)
    hub_id, _, revision = name.partition("@")
    return ModelRef(path=hub_id, fingerprint=fingerprint, revision=revision or None)


def open_worker(recipe: Recipe) -> MergeWorker:
    """Open a recipe's models where it says they are, and make sure that they are what it was made of."""
    base, *experts = [_open_model(ref) for ref in (recipe.base, *recipe.experts)]
    check_family(base, experts)
    return MergeWorker(base, experts, recipe.base, recipe.experts)


def _open_model(ref: ModelRef) -> Checkpoint:
    where = f"{ref.path}@{ref.revision}" if ref.revision else ref.path
    model = open_checkpoint(locate(where, Path.cwd()))
    if survey(model).digest != ref.fingerprint:
        raise CheckpointError(
            f"{model.path}: this model's content changed since the recipe was made; restore it"
        )
    return model
