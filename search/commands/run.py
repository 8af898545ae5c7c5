"""`crucible run`: search, judge, continue."""

from __future__ import annotations

import json
import shlex
from typing import Annotated

import typer

from search.commands.options import (
    Anyway,
    Hours,
    Json,
    Log,
    Metrics,
    StallMinutes,
    Storage,
    StudyFile,
    Trials,
    Until,
    WarmStart,
    Webhook,
    resumable,
    typed,
)
from search.signals.logs import configure_logs
from search.signals.signalling import STALL_MINUTES, Signals, signalling

Ray = Annotated[
    str | None,
    typer.Option(
        help="Place the workers on a Ray cluster: HOST:PORT or `auto` on one of its nodes, else ray://HOST:PORT."
        " Needs PostgreSQL.",
        metavar="ADDRESS",
        show_default=False,
    ),
]


def run(
    study: StudyFile,
    trials: Trials = None,
    hours: Hours = None,
    until: Until = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes on this machine: one for each GPU, or on its cores.")
    ] = 1,
    ray: Ray = None,
    anyway: Anyway = False,
    warm_start: WarmStart = None,
    storage: Storage = None,
    webhook: Webhook = None,
    stall_minutes: StallMinutes = STALL_MINUTES,
    metrics: Metrics = None,
    log: Log = "text",
    as_json: Json = False,
) -> None:
    """Search for the best merge, and judge the best ones on holdout items.

    The same command continues a study that was interrupted, however it was: what was measured is kept and
    not measured again; beside another run of the study, it takes its share. --trials, --hours and --until win
    over the study file's budget; the search ends early enough for the verdict to be there in time. A search
    that nothing would steer, for the baselines answer none or all of the search items rightly, is begun only
    with --anyway. A study that began with --warm-start goes on without it, too.
    """
    configure_logs(log)
    from search.showing.savings import show_savings
    from search.showing.tables import show_leaderboard
    from search.signals.display import open_display
    from search.study_file.spec import load_study
    from search.working.cluster.run import run_on_ray
    from search.working.run import run_terms
    from search.working.terms import Terms, of_command

    spec = load_study(study)
    url = storage or spec.storage
    terms = of_command(
        Terms(trials, hours, None, anyway, workers=workers, anew=True, warm_start=warm_start), until
    )
    display = open_display(spec.objective, stderr=as_json)
    signals = Signals(webhook, stall_minutes, metrics)
    with resumable(typed()), signalling(signals, url, spec.name):
        if ray is None:
            rows = run_terms(study, spec, url, terms, display)
        else:
            rows = run_on_ray(ray, study, spec, url, terms, display)
    if as_json:
        print(json.dumps([row.to_json() for row in rows]))
    else:
        show_leaderboard(rows, spec.name)
        show_savings(url, spec.name)
        print(_next(spec.name, url, several=len(spec.goals) > 1))


def _next(study: str, url: str, *, several: bool) -> str:
    """How to take what was found; of several objectives nobody is best in all."""
    option = f" --storage {shlex.quote(url)}" if url != "sqlite:///crucible.db" else ""
    point = " --trial N" if several else ""
    return (
        f"\nNext: crucible export {shlex.quote(study)}{point} --out DIR{option}"
        "\n      (--format mergekit, recipe or checkpoint)"
    )
