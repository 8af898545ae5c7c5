"""`crucible run`: search, judge, continue."""

from __future__ import annotations

import json
import shlex
from typing import Annotated

import typer

from search.commands.options import Json, Storage, StudyFile, resumable, typed


def run(
    study: StudyFile,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Trials in all, those of earlier runs included.", show_default=False),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.0, help="Hours that this run may search.", show_default=False)
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Search even where no search item tells one baseline from another."),
    ] = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Search for the best merge, and judge the best ones on holdout items.

    The same command continues a study that was interrupted, however it was: what was measured is kept and
    not measured again. --trials and --hours win over the study file's budget. A search that nothing would
    steer, for the baselines answer none or all of the search items rightly, is begun only with --anyway.
    """
    from search.running.run import run_study
    from search.showing.display import Display
    from search.showing.tables import console, show_leaderboard
    from search.study_file.spec import load_study

    spec = load_study(study)
    url = storage or spec.storage
    display = Display(console(stderr=as_json), spec.objective)
    with resumable(typed()):
        rows = run_study(spec, url, display, trials=trials, hours=hours, anyway=anyway)
    if as_json:
        print(json.dumps([row.to_json() for row in rows]))
    else:
        show_leaderboard(rows, spec.name)
        option = f" --storage {shlex.quote(url)}" if url != "sqlite:///crucible.db" else ""
        print(f"\nNext: crucible export {shlex.quote(spec.name)} --out DIR{option}")
        print("      (--format mergekit, recipe or checkpoint)")
