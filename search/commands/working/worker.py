"""`crucible worker`: one process that works on a study beside others."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from search.commands.options import (
    Anyway,
    Hours,
    Log,
    Metrics,
    StallMinutes,
    Storage,
    StudyFile,
    Trials,
    Until,
    WarmStart,
    Webhook,
    remark,
    resumable,
    typed,
)
from search.signals.logs import configure_logs
from search.signals.signalling import STALL_MINUTES, Signals, signalling


def worker(
    study: StudyFile,
    trials: Trials = None,
    hours: Hours = None,
    until: Until = None,
    anyway: Anyway = False,
    warm_start: WarmStart = None,
    storage: Storage = None,
    webhook: Webhook = None,
    stall_minutes: StallMinutes = STALL_MINUTES,
    metrics: Metrics = None,
    log: Log = "text",
    ends: Annotated[float | None, typer.Option(hidden=True)] = None,
    index: Annotated[int, typer.Option(hidden=True)] = 0,
    workers: Annotated[int, typer.Option(hidden=True)] = 1,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Work on a study beside all others that do, on this machine or elsewhere, until nothing is left to do.

    Each worker needs the study file, its models and items, and the same --storage: a PostgreSQL database
    where they are on several machines. Any number may come and go at any time. One that is asked to stop, or
    finds nothing left, ends with exit code 0; `crucible leaderboard` shows the verdict.
    """
    configure_logs(log)
    if parent is not None:
        from evaluators.engines.lifeline import die_with_parent

        die_with_parent(parent)
    from search.signals.display import open_display
    from search.study_file.spec import load_study
    from search.working.child import STORAGE
    from search.working.terms import Terms, of_command
    from search.working.work import work

    spec = load_study(study)
    # One that has a parent is started again by that.
    own = Terms(trials, hours, ends, anyway, index, workers, anew=parent is None, warm_start=warm_start)
    terms = of_command(own, until)
    url = storage or os.environ.get(STORAGE) or spec.storage
    # A parent signals for all its workers, whatever its environment says to them.
    signals = Signals(webhook, stall_minutes, metrics) if parent is None else Signals()
    shown = open_display(spec.objective).reporting()
    with resumable(typed()), signalling(signals, url, spec.name), shown as report:
        state = work(spec, url, terms, report)
    if state == "stopped":
        remark(f"{spec.name}: stopped, as `crucible stop` asked; `crucible resume` takes that back")
