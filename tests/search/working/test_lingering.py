"""A worker that was stopped (SIGSTOP) or hangs keeps nobody waiting once there is nothing left to do."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.showing.display import Display
from search.showing.tables import console
from search.working import parent
from search.working.child import Child
from search.working.parent import Crew
from search.working.progress import Progress
from studies.store import StudyStore

ENDS, STAYS = "", "import time; time.sleep(600)"


@pytest.fixture
def progress(tmp_path: Path) -> Iterator[Progress]:
    """Of a study that others work on."""
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as store:
        store.begin("tiny", {})
        yield Progress(store, "tiny", 1, 1)


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    """Two workers: one is done, the other would stay for long."""
    monkeypatch.setattr(parent, "LEAVING_S", 1.0)
    monkeypatch.setattr(parent, "PROGRESS_S", 0.1)
    crew = Crew(Display(console()))
    for index, program in enumerate((ENDS, STAYS)):
        crew.children.append(Child(index, [sys.executable, "-c", program], {}, crew.hear))
        crew.children[-1].start()
    with crew.ending():
        yield crew


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_one_that_is_stopped_is_killed_after_the_others_have_ended(
    crew: Crew, progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = crew.children[1]
    os.kill(pid_of(stopped), signal.SIGSTOP)
    until = time.monotonic() + 60
    while not stopped.stopped and time.monotonic() < until:
        time.sleep(0.01)
    crew.run(progress, lambda step: None)
    assert stopped.gone
    assert "worker 1: is stopped, and nothing is left to do for 1 s; it is killed" in capsys.readouterr().out


def test_one_that_does_not_end_when_the_study_is_complete_is_killed(
    crew: Crew, progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.store.set_state(progress.store.study("tiny"), "complete")
    crew.run(progress, lambda step: None)
    assert crew.children[1].gone
    assert "worker 1: hangs, and nothing is left to do for 1 s; it is killed" in capsys.readouterr().out


def test_one_that_finishes_its_batch_is_left_alone(crew: Crew, progress: Progress) -> None:
    crew.children[1].command = [sys.executable, "-c", "import time; time.sleep(4)"]
    crew.children[1].give_up()
    crew.children[1].code = None
    crew.children[1].start()
    crew.run(progress, lambda step: None)
    assert crew.children[1].process is not None
    assert crew.children[1].process.returncode == 0
