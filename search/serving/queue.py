"""The queue: what was submitted runs, oldest first, as many studies at a time as there is room for."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from search.serving.runs import Run, Slot, folder_of, outcome, start_run
from search.serving.settings import Settings
from studies.errors import StudiesError, StudyNotFound
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import StudySummary
from studies.workers.submissions import (
    Submission,
    SubmissionState,
    set_submission_state,
    submission,
    submissions,
    submit,
    take_submission,
)
from studies.workers.wishes import Wish, ask, asked

TURN_S = 0.5
GRACE_S = 90.0
"""For runs to end by themselves when the service does."""
MOST_DEATHS = 5
"""Of a study's processes in a row, after which it is not started again."""

logger = logging.getLogger(__name__)


class Queue:
    """Starts runs, and files how they ended; all that must outlive it is in the database.

    One service uses a database at a time.
    """

    def __init__(self, store: StudyStore, settings: Settings, slots: Sequence[Slot]) -> None:
        self.store = store
        self.settings = settings
        self._free = list(slots)
        self._runs: list[Run] = []
        self._deaths: Counter[str] = Counter()
        """Of each study's processes in a row; those that had worked for long do not count."""
        self._lock = threading.Lock()
        self._ending = threading.Event()
        # All processes are started by this one thread, whose end would end them.
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Go on with what an earlier service left, and work until the block ends; runs end with it."""
        self.recover()
        self._thread.start()
        try:
            yield
        finally:
            self._end()

    def recover(self) -> None:
        """Queue what an earlier service left running, unless it was to stop."""
        for each in submissions(self.store, "running"):
            state: SubmissionState = "stopped" if self._wish(each.name) == "stop" else "queued"
            set_submission_state(self.store, each.name, state)

    def _end(self) -> None:
        """Ask the runs to end, wait for them, and leave them queued for the next service."""
        self._ending.set()
        self._thread.join()
        for run in self._runs:
            run.process.terminate()
        for run in self._runs:
            try:
                run.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                run.process.kill()
                run.process.wait()
        self._file_ended()

    def add(self, name: str, text: str, options: dict[str, JSON]) -> Submission:
        """Queue a study; raises StudyHeld if it waits or runs otherwise."""
        queued = submit(self.store, name, text, str(folder_of(self.settings, name)), options)
        if queued.state == "queued":
            self._wish_nothing(name)
        return queued

    def again(self, name: str) -> Submission:
        """Queue a study again that was submitted before; raises StudyNotFound if it was not."""
        known = submission(self.store, name)
        return self.add(name, known.study, dict(known.options))

    def remove(self, name: str) -> bool:
        """Take a study out of the queue; False if it does not wait there."""
        with self._lock:
            waits = any(each.name == name for each in submissions(self.store, "queued"))
            if waits:
                set_submission_state(self.store, name, "stopped", "stopped before its turn came")
        return waits

    def end_run(self, name: str) -> bool:
        """Ask a study's process to end, which may not have begun to read the database; False without one."""
        with self._lock:
            running = [run for run in self._runs if run.name == name]
            for run in running:
                run.process.terminate()
        return bool(running)

    def turn(self) -> None:
        """File what ended, and start what waits where there is room."""
        with self._lock:
            self._file_ended()
            queued = submissions(self.store, "queued")
            ready = [each for each in queued if self._wish(each.name) != "pause"]
            for waiting in ready[: len(self._free)]:
                self._start(waiting)

    def _work(self) -> None:
        while not self._ending.wait(TURN_S):
            try:
                self.turn()
            except StudiesError as error:  # a database that is away; what ended is filed when it is back
                logger.warning("%s", error)
            except Exception:  # whatever is wrong with one turn, studies that wait are to have the next
                logger.exception("the queue failed, and goes on")

    def _start(self, waiting: Submission) -> None:
        if not take_submission(self.store, waiting.name):
            return
        slot = self._free.pop(0)
        try:
            self._runs.append(start_run(self.settings, waiting, slot))
        except (ValueError, OSError) as error:
            self._free.insert(0, slot)
            set_submission_state(self.store, waiting.name, "failed", str(error))

    def _file_ended(self) -> None:
        for run in [run for run in self._runs if run.process.poll() is not None]:
            state, reason = self._again_if_it_died(run, *outcome(run, self._summary(run.name)))
            if self._ending.is_set() and state == "stopped" and self._wish(run.name) != "stop":
                state, reason = "queued", None
            set_submission_state(self.store, run.name, state, reason)
            self._runs.remove(run)
            self._free.append(run.slot)

    def _again_if_it_died(
        self, run: Run, state: SubmissionState, reason: str | None
    ) -> tuple[SubmissionState, str | None]:
        """Its state, which is to have another turn after a death, and failure after several at its start."""
        died = state == "failed" and run.process.returncode < 0
        self._deaths[run.name] = self._deaths[run.name] + 1 if died and not run.is_steady else int(died)
        if died and self._deaths[run.name] < MOST_DEATHS:
            logger.warning("study %r: %s", run.name, reason)
            return "queued", reason
        return state, reason

    def _summary(self, name: str) -> StudySummary | None:
        return next((each for each in self.store.studies() if each.name == name), None)

    def _wish(self, name: str) -> Wish | None:
        """What was asked of a study; a run takes it back, so one that waits must not begin to."""
        try:
            return asked(self.store, self.store.study(name))
        except StudyNotFound:
            return None

    def _wish_nothing(self, name: str) -> None:
        with suppress(StudyNotFound):  # it has not begun
            ask(self.store, self.store.study(name), None)
