"""A candidate on its way: to another process as its recipe, or to disk as a checkpoint with it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from merging.errors import RecipeError
from merging.family.outfit import outfit
from merging.layout import n_layers
from merging.models.output_config import output_config
from merging.models.writer import write_checkpoint
from merging.recipe import Recipe, dump_recipe
from merging.recipe.rules import place_of
from merging.worker import Candidate, MergeWorker
from search.candidates.models import open_worker

RECIPE_IN_CHECKPOINT = "crucible_recipe.yaml"
SMALL = 1 << 20
"""Bytes that must be free for a file of text."""


@dataclass(frozen=True)
class Sent:
    """A candidate that travels between processes as its recipe: a few kilobytes, whatever the model's size.

    Where it arrives, the recipe's models are opened once and kept for the candidates that follow.
    """

    recipe: Recipe
    device: str = "cpu"
    """Where it is merged."""
    here: MergeWorker | None = field(default=None, compare=False, repr=False)
    """A worker of this process; without one, the models are opened where the recipe says they are."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        worker = self.here or _worker(_Models(self.recipe), self.device)
        return worker.tensors(self.recipe)

    @property
    def stacked_as(self) -> Mapping[str, Any] | None:
        """The config of a merge whose layers are not its models' own, one by one; None where they are."""
        if not self.recipe.stacked:
            return None
        worker = self.here or _worker(_Models(self.recipe), self.device)
        origins = _origins(self.recipe)
        if origins == list(range(n_layers(worker.base.tensors))):
            return None
        donor = outfit((worker.base, *worker.experts), chosen_model(self.recipe)).donor
        return output_config(donor.config, self.recipe.dtype, self.recipe.depth, origins)

    def on(self, device: str) -> Sent:
        """The same candidate, merged on another device."""
        return self if device == self.device else replace(self, device=device, here=None)

    def __reduce__(self) -> tuple[Callable[[str, str], Sent], tuple[str, str]]:
        """As text: its recipe in JSON."""
        return _arrived, (json.dumps(self.recipe.to_dict(), separators=(",", ":")), self.device)


def _arrived(recipe: str, device: str) -> Sent:
    return Sent(Recipe.from_dict(json.loads(recipe), "a recipe from another process"), device)


@dataclass(frozen=True)
class _Models:
    """A recipe, equal to all others that open the same models in the same way."""

    recipe: Recipe = field(compare=False)
    key: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        made = self.recipe
        key = (made.base, made.experts, made.tokenizer_source, made.pad_to_multiple_of, made.allow_pickle)
        object.__setattr__(self, "key", key)


@lru_cache(maxsize=1)
def _worker(models: _Models, device: str) -> MergeWorker:
    return replace(open_worker(models.recipe), device=device)


def write_candidate(
    recipe: Recipe,
    worker: MergeWorker,
    out: Path,
    extra: Mapping[str, str] | None = None,
    quiet: bool = False,
    note: str = "",
) -> Path:
    """Merge and write a checkpoint, its recipe (after `note`) and `extra` texts beside the weights.

    Raises:
        OutputError: `out` holds something already, cannot be written to, or the disk is too small.
        CandidateError: a merged tensor holds NaN or Inf.
    """
    candidate = Candidate(replace(worker, once=True), recipe)
    fitted = outfit((worker.base, *worker.experts), chosen_model(recipe))
    return write_checkpoint(
        _Shown(candidate) if not quiet and sys.stderr is not None and sys.stderr.isatty() else candidate,
        out,
        fitted.donor,
        recipe.dtype,
        extra={**fitted.texts, **(extra or {}), RECIPE_IN_CHECKPOINT: note + dump_recipe(recipe)},
        shapes=candidate.shapes,
        depth=recipe.depth,
        origins=_origins(recipe) if recipe.stacked else None,
    )


def chosen_model(recipe: Recipe) -> int | None:
    """The place, the base's being 0, of the model whose config the recipe asks for; None: it asks for none.

    Raises:
        RecipeError: it asks for a model that is none of its own.
    """
    if recipe.config_source is None:
        return None
    places = [place_of(ref) for ref in (recipe.base, *recipe.experts)]
    if recipe.config_source not in places:
        raise RecipeError(
            f"config_source: {recipe.config_source!r} is none of the recipe's models {', '.join(places)}"
        )
    return places.index(recipe.config_source)


def _origins(recipe: Recipe) -> list[int]:
    return [_origin(recipe, layer) for layer in range(recipe.depth)]


def _origin(recipe: Recipe, layer: int) -> int:
    """The layer that the first input to take part gives for a layer; in a family all layers are alike."""
    origins = (recipe.origin(i, layer) for i in range(len(recipe.experts) + 1))
    return next(origin for origin in origins if origin is not None)


class _Shown:
    """A candidate with a bar on standard error for as long as it is iterated."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("merging"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}% · {task.fields[rate]} ·"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        total = sum(math.prod(shape) for shape in self.candidate.shapes.values())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("merging", total=total, rate="-")
            for name, tensor in self.candidate:
                yield name, tensor
                progress.update(task, advance=tensor.numel())
                speed = progress.tasks[0].speed
                progress.update(task, rate=f"{(speed or 0) * tensor.itemsize / 1e9:.2f} GB/s")
