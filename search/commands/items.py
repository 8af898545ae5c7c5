"""`crucible items`: what was answered."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from search.commands.options import Json, Storage, StudyName, Trial, chosen


def items(
    study: StudyName,
    trial: Trial = None,
    candidate: Annotated[
        str | None,
        typer.Option(help="This candidate: base, uniform, an expert's name.", show_default=False),
    ] = None,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Items of this slice.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Items that judge or items that steer; by default holdout if asked, else search.",
            metavar="search|holdout",
            show_default=False,
        ),
    ] = None,
    versus: Annotated[
        str | None,
        typer.Option(
            help="Only what this other candidate (or trial number) answered differently.",
            metavar="NAME|N",
            show_default=False,
        ),
    ] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only what was answered wrongly.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.", show_default=False)] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Show what a candidate answered to each item: verdict, text, tokens, seconds.

    With --versus, what two candidates answered differently, and how often which of them was right.
    """
    from search.showing.items import Asked, find_items

    asked = Asked(study, trial, candidate, slice_, split, versus, wrong)
    found = find_items(chosen(storage), asked, limit)
    print(json.dumps(found.to_json()) if as_json else "\n".join(found.to_text()))
