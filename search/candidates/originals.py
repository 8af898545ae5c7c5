"""Models by what anybody can find them under: a hub's copy on this machine is an id with its commit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from merging.recipe import ModelRef, Recipe
from merging.recipe.rules import place_of
from merging.worker import MergeWorker

_CACHED = re.compile(r"/models--([\w.-]+?)--([\w.-]+)/snapshots/([0-9a-f]{40})/?")
"""How the hub's own cache names a copy."""


def original(ref: ModelRef, opened: Path | None = None) -> ModelRef:
    """The model by its id and commit on the hub, if it is a copy of one; any other as its user named it.

    `opened` is the folder that it was opened in: of a model that is named by id alone, it tells the commit.
    """
    if is_folder(ref):
        return _of_the_hub(ref, ref.path) or ref
    found = _of_the_hub(ref, str(opened)) if ref.revision is None and opened else None
    return found if found is not None and found.path == ref.path else ref


def with_originals(recipe: Recipe, opened: Sequence[Path] = ()) -> Recipe:
    """The same merge, of `original` models; `opened` are the folders of base and experts."""
    refs = (recipe.base, *recipe.experts)
    folders = opened or (None,) * len(refs)
    base, *experts = (original(ref, folder) for ref, folder in zip(refs, folders, strict=True))
    moved = {place_of(ref): place_of(now) for ref, now in zip(refs, (base, *experts), strict=True)}
    return replace(
        recipe,
        base=base,
        experts=tuple(experts),
        config_source=_moved(recipe.config_source, moved),
        tokenizer_source=_moved(recipe.tokenizer_source, moved),
    )


def as_found(recipe: Recipe, worker: MergeWorker) -> Recipe:
    """The same merge, of `original` models, as they were opened."""
    return with_originals(recipe, [model.path for model in (worker.base, *worker.experts)])


def name_of(ref: ModelRef) -> str:
    """What a reader calls a model: its id and revision, or the last part of its folder."""
    if is_folder(ref):
        return Path(ref.path).name
    return f"{ref.path}@{ref.revision}" if ref.revision else ref.path


def is_folder(ref: ModelRef) -> bool:
    """Whether a model is a folder, not an id on the hub."""
    return ref.revision is None and ref.path.startswith((".", "/", "~"))


def _of_the_hub(ref: ModelRef, path: str) -> ModelRef | None:
    found = _CACHED.search(path)
    if found is None or found.end() != len(path):
        return None
    owner, name, commit = found.groups()
    return replace(ref, path=f"{owner}/{name}", revision=commit)


def _moved(place: str | None, moved: dict[str, str]) -> str | None:
    return None if place is None else moved.get(place, place)
