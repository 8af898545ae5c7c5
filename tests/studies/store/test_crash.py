"""kill -9 at any moment: what was committed is there, what was not is not, and nothing is halved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from studies.store import StudyStore
from studies.store.connect import reading
from tests.studies.builders import begin_with_slice

BATCH = 64
RECORD = """
import sys
from studies.store import StudyStore
from tests.studies.builders import make_results

url, recipe, part, batch = *sys.argv[1:4], int(sys.argv[4])
store, first = StudyStore(url), 0
while True:
    print(first, flush=True)
    store.record(recipe, part, make_results([True] * batch, first=first, text="x" * 2000))
    first += batch
"""


@pytest.mark.parametrize("batches", [1, 2, 5])
def test_a_killed_recorder_loses_only_the_batch_in_flight(url: str, batches: int) -> None:
    with StudyStore(url) as store:
        _, recipe, part = begin_with_slice(store)
        committed = _record_until_killed([url, recipe, part, str(BATCH)], batches)
        measured = store.measured(recipe, part)
        assert measured >= set(range(committed))
        assert measured == set(range(len(measured)))
        assert len(measured) % BATCH == 0
        assert [result.item for result in store.results(recipe, part)] == sorted(measured)


def test_a_killed_recorder_leaves_sqlite_sound(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        _, recipe, part = begin_with_slice(store)
        _record_until_killed([sqlite_url, recipe, part, str(BATCH)], 3)
        with reading(store.engine) as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def _record_until_killed(arguments: list[str], batches: int) -> int:
    """Kills a recorder after that many batches, in the next one; returns how many items it committed."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", RECORD, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as recorder:
        assert recorder.stdout is not None
        begun = [int(recorder.stdout.readline()) for _ in range(batches + 1)]
        recorder.kill()
    return begun[-1]
