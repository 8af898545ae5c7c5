"""A candidate written to disk: the checkpoint, with its recipe beside the weights."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from merging.prepare import Family
from merging.recipe import Recipe, dump_recipe
from merging.worker import Candidate, MergeWorker
from merging.writer import write_checkpoint

RECIPE_IN_CHECKPOINT = "crucible_recipe.yaml"
SMALL = 1 << 20
"""Bytes that must be free for a file of text."""


def write_candidate(
    recipe: Recipe,
    worker: MergeWorker,
    out: Path,
    extra: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> Path:
    """Merge and write a checkpoint, its recipe and `extra` texts beside the weights.

    Raises:
        OutputError: `out` holds something already, cannot be written to, or the disk is too small.
        CandidateError: a merged tensor holds NaN or Inf.
    """
    candidate = Candidate(worker, recipe)
    stacked = any(group.origins for group in recipe.layers)
    return write_checkpoint(
        candidate if quiet or not sys.stderr.isatty() else _Shown(candidate),
        out,
        Family(worker.base, tuple(worker.experts)).donor,
        recipe.dtype,
        extra={**(extra or {}), RECIPE_IN_CHECKPOINT: dump_recipe(recipe)},
        shapes=candidate.shapes,
        depth=recipe.depth,
        origins=[_origin(recipe, layer) for layer in range(recipe.depth)] if stacked else None,
    )


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
