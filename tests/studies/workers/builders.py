"""Workers to test with: of this machine, of another one, and ones that are processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import update

from studies.store import StudyStore
from studies.store.connect import writing
from studies.store.schema import workers
from studies.workers.register import join
from studies.workers.worker import Worker

REPO = Path(__file__).parents[3]
WORK = """
import sys
from studies.store import StudyStore
from studies.workers.holds import take
from studies.workers.register import join

store = StudyStore(sys.argv[1])
worker = join(store, int(sys.argv[2]))
take(store, worker, "trials", "0")
print(worker.id, flush=True)
sys.stdin.read()
"""


def change(store: StudyStore, worker: Worker, **values: object) -> Worker:
    """The worker, with other values in its row."""
    with writing(store.engine) as connection:
        connection.execute(update(workers).where(workers.c.id == worker.id).values(**values))
    return replace(worker, **values)  # type: ignore[arg-type]


def join_elsewhere(store: StudyStore, study: int) -> Worker:
    """A worker that seems to be on another machine."""
    return change(store, join(store, study), host="elsewhere", boot="another")


@contextmanager
def working_process(url: str, study: int) -> Iterator[subprocess.Popen[str]]:
    """A process that has joined and holds trial 0."""
    command = [sys.executable, "-c", WORK, url, str(study)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPO) as process:
        assert process.stdout is not None
        assert len(process.stdout.readline().strip()) == 32
        try:
            yield process
        finally:
            process.kill()
