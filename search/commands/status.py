"""`crucible status`: the studies of a store."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from search.commands.options import Json, Storage, chosen


def status(
    study: Annotated[
        str | None, typer.Argument(help="Only this study.", metavar="[STUDY]", show_default=False)
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """List the studies in a store: state, trials done and failed, when last active, who works on them."""
    from search.showing.status import list_studies
    from search.showing.tables import show_status

    studies = list_studies(chosen(storage), study)
    if as_json:
        print(json.dumps([each.to_json() for each in studies]))
    else:
        show_status(studies)
