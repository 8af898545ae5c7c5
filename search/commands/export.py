"""`crucible export`: take a candidate with you."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, StudyName, Trial, chosen, resumable, typed


def export(
    study: StudyName,
    out: Annotated[Path, typer.Option(help="Folder to write into; new or empty.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="mergekit: merge.yaml in its dialect; recipe: recipe.yaml; checkpoint: the merged model.",
            metavar="recipe|mergekit|checkpoint",
        ),
    ] = "mergekit",
    trial: Trial = None,
    storage: Storage = None,
) -> None:
    """Write the best candidate of a study (or one trial) where you can use it."""
    from search.candidates.export import export_best

    with resumable(typed()):
        row, written = export_best(chosen(storage), study, out, form, trial)
    print(f"{row.name} ({row.digest[:12]}) -> {written}")
