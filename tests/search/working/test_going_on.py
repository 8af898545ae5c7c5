"""What one knows who goes on with what began earlier: in a process begun anew, or started again."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.engines.engine import WeightSource
from evaluators.engines.fake import FakeEngine
from evaluators.errors import OutOfMemory
from search.errors import Hopeless
from search.running import workshop as opening
from search.running.anew import EARLIER, Earlier, earlier
from search.running.ending import Halted
from search.showing.display import Display
from search.showing.step import Step
from search.showing.tables import console
from search.study_file.spec import load_study
from search.working.asking import tell
from search.working.child import AT_ONCE, Child
from search.working.run import run_alone
from search.working.session import pace_before
from search.working.terms import Terms, of_command
from search.working.work import work
from studies.errors import StorageError
from studies.store import StudyStore
from studies.workers.register import all_workers
from tests.search.conftest import write_study
from tests.search.working.conftest import Scene, complete, fake_study


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Four quick trials."""
    return make(tmp_path, trials=4)


def make(folder: Path, trials: int) -> Scene:
    file = write_study(folder, fake_study(trials=trials))
    return Scene(file, f"sqlite:///{folder / 'crucible.db'}")


def cut(scene: Scene, name: str, error: Exception) -> None:
    """One worker's work, up to a candidate, where it ends of an error."""

    def report(step: Step) -> None:
        if step.name == name:
            raise error

    with pytest.raises(type(error), match=str(error)):
        work(load_study(scene.file), scene.url, Terms(), report)


def test_its_time_goes_on_from_the_first_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = Terms(hours=8, anew=True)
    known = Earlier((3, 7), time.monotonic() + 100)
    monkeypatch.setenv(EARLIER, known.to_text())
    terms = of_command(typed, "07:00")
    assert terms.until == pytest.approx(time.time() + 100, abs=1)
    assert terms == replace(typed, hours=None, until=terms.until, failed=(3, 7))
    assert EARLIER not in os.environ, "it is for this process alone"
    assert of_command(typed, None) == typed
    monkeypatch.setenv(EARLIER, Earlier((3, 7)).to_text())
    assert of_command(Terms(until=5.0), None) == Terms(until=5.0, failed=(3, 7)), "as its parent says"


def test_one_that_is_started_again_hears_of_the_beginning_and_the_first_does_not() -> None:
    told = f"import os, sys; sys.stderr.write(str(os.environ.get({EARLIER!r}))); sys.exit({AT_ONCE})"
    said: list[str] = []
    own = {EARLIER: Earlier((1,)).to_text()}
    child = Child(0, [sys.executable, "-c", told], own, lambda _, line: said.append(line))
    until = time.monotonic() + 180
    while sum(AT_ONCE_SAID in line for line in said) < 2 and time.monotonic() < until:
        child.look()
        time.sleep(0.05)
    child.give_up()
    assert said[:3] == ["None", AT_ONCE_SAID, Earlier((1,)).to_text()]
    assert earlier() is None


AT_ONCE_SAID = f"ended (exit code {AT_ONCE}); it is started again in 0 s"


class Full(FakeEngine):
    """Has no room for any merge but the baselines."""

    loads = 0

    def load(self, source: WeightSource) -> None:
        type(self).loads += 1
        if type(self).loads > 5:
            raise OutOfMemory("no room")
        super().load(source)


def test_failures_in_a_row_are_counted_from_the_first_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_engine", lambda spec, model: type("Own", (Full,), {"loads": 0})())
    scene = make(tmp_path, trials=50)
    cut(scene, "trial 5", RuntimeError("cut"))
    monkeypatch.setattr(opening, "_engine", lambda spec, model: type("Own", (Full,), {"loads": 5})())
    with pytest.raises(Hopeless, match=r"^10 trials in a row failed \(out of memory\).*\(trial 9\)"):
        work(load_study(scene.file), scene.url, Terms(failed=()), lambda step: None)


def test_what_is_slow_is_known_from_the_one_before_in_the_same_place(scene: Scene) -> None:
    work(load_study(scene.file), scene.url, Terms(), lambda step: None)
    with StudyStore(scene.url) as store:
        study = store.study("tiny")
        (worker,) = all_workers(store, study)
        pace = pace_before(store, study, Terms())
        assert pace is not None
        assert pace == worker.stats["pace_s"] > 0
        assert pace_before(store, study, Terms(index=1)) is None
        assert pace_before(store, study, Terms(workers=2)) is None, "its share of the machine is another"


def test_what_was_asked_meanwhile_stays_asked(scene: Scene) -> None:
    cut(scene, "trial 1", RuntimeError("cut"))
    tell(scene.url, "tiny", "stop")
    display = Display(console())
    with pytest.raises(Halted, match="crucible stop"):
        run_alone(load_study(scene.file), scene.url, Terms(failed=()), display)
    run_alone(load_study(scene.file), scene.url, Terms(), display)
    complete(scene, 4)


def test_work_begun_again_in_the_same_process_does_not_wait_for_itself(scene: Scene) -> None:
    cut(scene, "trial 1", StorageError("the server was away for too long"))
    began = time.monotonic()
    steps: list[Step] = []
    work(load_study(scene.file), scene.url, Terms(), steps.append)
    assert time.monotonic() - began < 60
    complete(scene, 4)
    with StudyStore(scene.url) as store:
        found = [(each.state, each.reason) for each in all_workers(store)]
    assert found == [("lost", "its process began anew"), ("ended", None)]
