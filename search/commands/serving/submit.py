"""`crucible submit`: a study for a service."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import quote

import typer

from search.commands.options import Anyway, Hours, Json, Storage, StudyFile, Trials, Until, say


def submit(
    study: StudyFile,
    url: Annotated[str, typer.Option(help="Where the service is.", metavar="URL")] = "http://127.0.0.1:8642",
    token: Annotated[
        str | None,
        typer.Option(
            envvar="CRUCIBLE_TOKEN",
            show_envvar=False,
            help="The service's token; better given as CRUCIBLE_TOKEN in the environment.",
            show_default=False,
        ),
    ] = None,
    trials: Trials = None,
    hours: Hours = None,
    until: Until = None,
    anyway: Anyway = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Hand a study file to a service that `crucible serve` started, which runs it in its turn.

    Paths in the file are as seen from the service's model folders. The service has a storage of its own, so
    --storage is accepted but unused. A study that ended goes on.
    """
    from search.serving.client import submit as submit_study

    options = {"trials": trials, "hours": hours, "until": until, "anyway": "true" if anyway else None}
    given = {name: value for name, value in options.items() if value is not None}
    queued = submit_study(study, url, token, given)
    if as_json:
        say(json.dumps(queued))
        return
    ahead = f", {queued['ahead']} before it" if queued.get("ahead") else ""
    name = str(queued.get("name"))
    say(f"{name}: {queued.get('state')}{ahead}")
    say(f"Watch it: curl -N {url.rstrip('/')}/studies/{quote(name)}/events")
