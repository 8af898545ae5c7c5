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
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Has this machine room for so many: memory, database, disk? With --measure: what they would"
            " do in an hour.",
            show_default=False,
        ),
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Check a study before it is run: models, items, search space and storage.

    Nothing is measured, unless --measure asks for it.
    """
    if workers is not None:
        from search.working.preflight import preflight, side_by_side
    from search.running.checking.check import check_study
    from search.showing.display import Display
    from search.showing.tables import console
    from search.study_file.spec import load_study

    spec = load_study(study)
    url = storage or spec.storage
    pace = 1.0 if workers is None else side_by_side(spec.engine, workers)
    measuring = Display(console(stderr=True), spec.objective) if measure else None
    with resumable(typed(), "A dry run keeps nothing") if measure else nullcontext():
        report = check_study(spec, url, measuring, pace)
    found = report.to_json()
    text = report.to_text()
    if workers is not None:
        ready = preflight(spec, url, workers, report.memory, report.model_parameters)
        found, text = {**found, "workers": ready.to_json()}, f"{text}\n{ready.to_text()}"
    print(json.dumps(found) if as_json else text)
