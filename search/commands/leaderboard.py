"""`crucible leaderboard`: who is best."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from search.commands.options import Json, Storage, chosen


def leaderboard(
    studies: Annotated[
        list[str],
        typer.Argument(
            help="Names of studies, as their files say; several were asked the same holdout items.",
            metavar="STUDY [STUDY …]",
            show_default=False,
        ),
    ],
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Rank candidates by their holdout items, with 95% intervals for what was gained.

    Of several studies that were asked the same items, all candidates are in one table.
    """
    from search.showing.savings import show_savings
    from search.showing.tables import show_leaderboard
    from studies.store import StudyStore
    from studies.verdicts.leaderboard import build_leaderboard

    with StudyStore(chosen(storage), create=False, patience=0) as store:
        rows = build_leaderboard(store, *studies)
    if as_json:
        print(json.dumps([row.to_json() for row in rows]))
    else:
        show_leaderboard(rows, ", ".join(dict.fromkeys(studies)))
        for study in dict.fromkeys(studies):
            show_savings(chosen(storage), study, named=len(studies) > 1)
