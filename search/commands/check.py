"""`crucible check`: is a study sound."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Annotated

import typer

from search.commands.options import Json, Storage, StudyFile, resumable, typed


def check(
    study: StudyFile,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Ask the base and the uniform merge the search items, too: does anything steer the search,"
            " what does a trial take, and when would the budget end? Nothing of it is kept.",
        ),
    ] = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Check a study before it is run: models, items, search space and storage.

    Nothing is measured, unless --measure asks for it.
    """
    from search.running.check import check_study
    from search.showing.display import Display
    from search.showing.tables import console
    from search.study_file.spec import load_study

    spec = load_study(study)
    measuring = Display(console(stderr=True), spec.objective) if measure else None
    with resumable(typed(), "A dry run keeps nothing") if measure else nullcontext():
        report = check_study(spec, storage or spec.storage, measuring)
    print(json.dumps(report.to_json()) if as_json else report.to_text())
