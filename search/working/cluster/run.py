"""`crucible run --ray ADDRESS --workers N`: a study run by workers on a Ray cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from search.errors import SearchError
from search.running.anew import EARLIER
from search.running.ending import Halted
from search.showing.display import Display
from search.showing.step import Step
from search.study_file.spec import StudySpec
from search.working.asking import take_back
from search.working.child import STORAGE
from search.working.cluster.launch import kept_placed, order_of
from search.working.cluster.order import Order
from search.working.parent import Crew, beginning, worker_command
from search.working.progress import Progress
from search.working.terms import Terms, with_end
from studies.errors import StorageError
from studies.store import StudyStore
from studies.verdicts.leaderboard import Row, build_leaderboard

PROGRESS_S = 1.0
_LOCAL = "sqlite"


def run_on_ray(
    address: str, file: Path, spec: StudySpec, url: str, terms: Terms, display: Display
) -> list[Row]:
    """Have `terms.workers` workers on the cluster's nodes work on the study; return the leaderboard.

    Raises:
        SearchError: no cluster, no place on it, or a database that only this machine has; or what the workers
            said was to be put right.
        EngineError: workers died again and again.
        Halted: somebody asked that the study stop. Interrupted: Ctrl-C or SIGTERM; all workers have ended.
    """
    check_shared(url)
    order = _order(address, file, spec, url, terms)
    with StudyStore(url) as store:
        take_back(store, spec.name)
        known = {**order.environment, EARLIER: beginning(store, spec.name).to_text()}
        order = replace(order, environment=known)
        store.patience = 0.0  # only the workers have something to lose
        progress = Progress(store, spec.name, terms.trials_of(spec.budget), spec.budget.finalists)
        with display.reporting() as report:
            _follow(order, Crew(display).hear, progress, report)
        (state,) = [each.state for each in store.studies() if each.name == spec.name]
        if state != "complete":
            raise Halted("stop")
        return build_leaderboard(store, spec.name)


def check_shared(url: str) -> None:
    """Raises SearchError for a database that other machines cannot reach."""
    if url.startswith(_LOCAL):
        raise SearchError(
            f"--ray: workers on other machines cannot share {url}; give --storage the URL of a PostgreSQL"
            " database that all nodes reach (docs/ray.md)"
        )


def _order(address: str, file: Path, spec: StudySpec, url: str, terms: Terms) -> Order:
    path, terms = file.resolve(), with_end(terms, spec.budget)
    commands = [worker_command(path, replace(terms, index=i))[1:] for i in range(terms.workers)]
    return order_of(address, path, spec.engine, commands, {STORAGE: url})


def _follow(
    order: Order, hear: Callable[[int, str], None], progress: Progress, report: Callable[[Step], None]
) -> None:
    """Show what comes of the study while its workers are kept placed."""
    looked = 0.0
    with closing(kept_placed(order, hear)) as ticks:
        for _ in ticks:
            if time.monotonic() - looked >= PROGRESS_S:
                looked = time.monotonic()
                _show(progress, report)
    _show(progress, report)


def _show(progress: Progress, report: Callable[[Step], None]) -> None:
    with suppress(StorageError):  # the workers wait for it, and say so
        for step in progress.look():
            report(step)
