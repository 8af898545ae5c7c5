"""`crucible families`: which of many models can be merged with which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import AllowPickle, Json, Storage, resumable, say, typed


def families(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Model folders, hub ids, LoRA adapters, or MODEL+ADAPTER where an adapter's config does not"
            " say whose it is.",
            metavar="MODEL…",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a study file of each family and the zoo's fusion.yaml; without it they are"
            " printed.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    slices: Annotated[
        Path | None,
        typer.Option(
            help="A study file whose slices, objective and engine the new studies take.",
            metavar="STUDY.yaml",
            show_default=False,
        ),
    ] = None,
    allow_pickle: AllowPickle = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Group models into families whose weights can be merged, and say what the base of each is.

    Reads a part of the weights only, and overwrites nothing. --storage is what the files will say.
    """
    from search.fusing.zoo.families import find_families
    from search.showing.families import reading

    with resumable(typed(), "Nothing was written"), reading() as watch:
        report = find_families(models, out, slices, storage, allow_pickle, watch)
    say(json.dumps(report.to_json()) if as_json else report.to_text())
