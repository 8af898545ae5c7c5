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
    candidate: Annotated[
        str | None,
        typer.Option(help="This candidate: base, uniform, an expert's name.", show_default=False),
    ] = None,
    storage: Storage = None,
) -> None:
    """Write the best candidate of a study (or the one that you name) where you can use it.

    Where a study has several objectives nobody is best in all: name one of those on its front.
    """
    from search.candidates.export import export_best

    with resumable(typed()):
        row, written = export_best(chosen(storage), study, out, form, trial, candidate)
    print(f"{row.name} ({row.digest[:12]}) -> {written}")
