"""`crucible watch`: a study that runs elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from search.commands.options import Storage, StudyName, chosen, resumable


def watch(
    study: StudyName,
    storage: Storage = None,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
) -> None:
    """Watch a study that runs elsewhere, until it ends: a live table, or without a terminal a line per trial.

    Only looks: nothing is written to the store, and Ctrl-C ends the watching, not the study.
    """
    from search.showing.tables import console
    from search.showing.watching import watch_study

    with resumable(f"crucible watch {study}", kept="The study goes on"):
        watch_study(chosen(storage), study, console(), every)
