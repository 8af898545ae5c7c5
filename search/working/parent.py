"""`crucible run --workers N`: starts worker processes, shows what they do, starts again those that died.

It decides nothing: workers find in the database what is to be done, and go on without it if they are others'.
Its own die with it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluators.errors import EngineError
from search.errors import SearchError
from search.running.anew import EARLIER, Earlier
from search.running.ending import Halted
from search.running.interrupt import rest, shielded
from search.showing.display import Display
from search.showing.step import Step
from search.study_file.spec import StudySpec
from search.working.asking import take_back
from search.working.child import STORAGE, Child
from search.working.failures import failed_trials
from search.working.places import gpus_in_use, places
from search.working.progress import Progress
from search.working.terms import Terms, with_end
from studies.errors import StorageError
from studies.store import StudyStore
from studies.verdicts.leaderboard import Row, build_leaderboard
from studies.workers.register import all_workers
from studies.workers.wishes import asked

LOOK_S = 0.25
PROGRESS_S = 1.0
LEAVING_S = 60.0
"""How long workers may take to finish their batch and hand back what they work on."""
OWN = "crucible: "


def run_workers(file: Path, spec: StudySpec, url: str, terms: Terms, display: Display) -> list[Row]:
    """Have `terms.workers` processes work on the study until it is judged; return the leaderboard.

    Raises:
        SearchError: more workers than GPUs; or what a worker said was to be put right.
        EngineError: workers died again and again.
        Halted: somebody asked that the study stop. Interrupted: Ctrl-C or SIGTERM; all workers have ended.
    """
    terms = with_end(terms, spec.budget)
    with StudyStore(url) as store:
        environments = places(spec.engine, terms.workers, gpus_in_use(all_workers(store, state="working")))
        take_back(store, spec.name)
        shared = {STORAGE: url, EARLIER: beginning(store, spec.name).to_text()}
        crew = Crew(display)
        for index, own in enumerate(environments):
            command = worker_command(file, replace(terms, index=index))
            crew.children.append(Child(index, command, {**own, **shared}, crew.hear))
        store.patience = 0.0  # only the workers have something to lose
        trials, finalists = terms.trials_of(spec.budget), spec.budget.finalists
        with display.reporting() as report, crew.ending(), shielded():
            crew.run(Progress(store, spec.name, trials, finalists), report)
        _check_complete(store, spec.name)
        return build_leaderboard(store, spec.name)


def _check_complete(store: StudyStore, name: str) -> None:
    (study,) = [each for each in store.studies() if each.name == name]
    if study.state == "complete":
        return
    if asked(store, study.id) == "stop":
        raise Halted("stop")
    reason = f" ({study.reason})" if study.reason else ""
    raise EngineError(f"all workers ended, but the study is {study.state}{reason}; the same command goes on")


def beginning(store: StudyStore, name: str) -> Earlier:
    """What a worker that is started again has to know of the beginning, which is now."""
    known = [each.id for each in store.studies() if each.name == name]
    return Earlier(failed_trials(store, known[0]) if known else ())


def worker_command(file: Path, terms: Terms, parent: int | None = None) -> list[str]:
    """The command line of one worker on these terms, that dies with `parent`, by default this process."""
    # Not as --until: for one that is started again after that, a time that is past is no mistake.
    given = {"--trials": terms.trials, "--hours": terms.hours, "--ends": terms.until}
    begins = ["--warm-start", terms.warm_start] if terms.warm_start is not None else []
    own = {"--index": terms.index, "--workers": terms.workers, "--parent": parent or os.getpid()}
    options = [str(part) for pair in {**given, **own}.items() if pair[1] is not None for part in pair]
    anyway = ["--anyway"] if terms.anyway else []
    return [sys.executable, "-m", "search", "worker", str(file), *options, *begins, *anyway]


@dataclass
class Crew:
    """The worker processes of this machine, and what they say."""

    display: Display
    children: list[Child] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)
    _over_since: float | None = None
    """Since when nothing is left to do, as far as is known here."""

    def hear(self, index: int, line: str) -> None:
        """Show what a worker says; what another has said already is not said again."""
        text = line.removeprefix(OWN)
        if text not in self._said:
            self._said.add(text)
            self.display.hear(index, text)

    def run(self, progress: Progress, report: Callable[[Step], None]) -> None:
        """Watch them until all have ended; raises what a worker said was to be put right."""
        looked = 0.0
        while any([each.look() for each in self.children]):
            self._check()
            if time.monotonic() - looked >= PROGRESS_S:
                looked = time.monotonic()
                _show(progress, report)
                self._end_lingering(progress.complete)
            rest(LOOK_S)
        self._check()
        _show(progress, report)
        died = [each for each in self.children if each.code not in (0, None)]
        if len(died) == len(self.children):
            raise EngineError(f"every worker died again and again, the last one of: {died[-1].last}")

    def _check(self) -> None:
        """What one worker says is to be put right is so for all."""
        for each in self.children:
            if each.code == 2:
                raise SearchError(each.last.removeprefix(OWN))

    def _end_lingering(self, complete: bool) -> None:
        """Kill who does not end although there is nothing left to do: it was stopped, or hangs."""
        if not complete and not any(each.code == 0 for each in self.children):
            self._over_since = None
            return
        self._over_since = self._over_since or time.monotonic()
        if time.monotonic() - self._over_since < LEAVING_S:
            return
        for each in (each for each in self.children if not each.gone):
            # Where others were asked to stop, a batch may take its time.
            if each.stopped or complete:
                how = "is stopped" if each.stopped else "hangs"
                self.hear(each.index, f"{how}, and nothing is left to do for {LEAVING_S:.0f} s; it is killed")
                each.give_up()

    @contextmanager
    def ending(self) -> Iterator[None]:
        """However the block ends, no worker is left afterwards."""
        try:
            yield
        finally:
            _end(self.children)


def _end(children: Sequence[Child]) -> None:
    until = time.monotonic() + LEAVING_S
    for each in children:
        each.end(signal.SIGTERM)
    while not all(each.gone for each in children) and time.monotonic() < until:
        time.sleep(LOOK_S)
    for each in children:
        each.end(signal.SIGKILL)


def _show(progress: Progress, report: Callable[[Step], None]) -> None:
    try:
        for step in progress.look():
            report(step)
    except StorageError:
        pass  # the workers wait for it, and say so
