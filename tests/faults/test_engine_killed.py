"""vLLM's processes killed at random moments: each is replaced, and the study ends as if undisturbed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest

from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard
from tests.faults.conftest import LONG
from tests.faults.processes import Forked, command_line, crucible, descendants, ended, kill, wait_until
from tests.search.conftest import small_study, write_study

pytestmark = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed"),
    pytest.mark.skipif(not LONG, reason="takes minutes: part of make test-faults"),
]
KILLS = 5
VLLM = {"name": "vllm", "max_tokens": 48}
COUNT = "SELECT count(*) FROM crucible_evidence"


def engine_processes(pid: int) -> list[int]:
    """The process that asks vLLM, and those that vLLM started."""
    found = descendants(pid)
    asking = [each for each in found if "evaluators.engines.vllm.process" in command_line(each)]
    return [each for one in asking for each in (one, *descendants(one))]


def run(folder: Path, disturb: Callable[[Forked, Path], None]) -> list[dict[str, Any]]:
    file = write_study(folder, small_study(trials=8, items=12, engine=VLLM))
    database = folder / "crucible.db"
    command = Forked(folder / "said", crucible, {}, "run", str(file), "--storage", f"sqlite:///{database}")
    with ended(command):
        disturb(command, database)
        assert command.end(400) == 0, command.said
    with StudyStore(f"sqlite:///{database}") as store:
        return [row.to_json() for row in build_leaderboard(store, "tiny")]


def kept(database: Path) -> int:
    """Items that were measured so far."""
    try:
        with sqlite3.connect(database) as connection:
            return int(connection.execute(COUNT).fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def test_engines_that_are_killed_cost_no_trial(tmp_path: Path, draw: Random) -> None:
    killed = []

    def disturb(command: Forked, database: Path) -> None:
        for _ in range(KILLS):
            until = kept(database) + draw.randint(36, 72)  # one a trial: of a second in one, the trial fails
            wait_until(lambda: kept(database) >= until or not command.running, 300)  # noqa: B023
            time.sleep(draw.uniform(0.0, 0.5))
            assert command.running, f"it ended before {KILLS} engines were killed: {command.said}"
            killed.append(draw.choice(engine_processes(command.pid)))
            kill(killed[-1])

    disturbed = run(tmp_path / "disturbed", disturb)
    assert len(killed) == KILLS
    assert disturbed == run(tmp_path / "undisturbed", lambda command, database: None)
