"""One worker's loop: its order, its time, what it gives up, and what it hands back."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from evaluators.engines.engine import Likelihood, WeightSource
from evaluators.engines.fake import FakeEngine
from evaluators.errors import EngineError, OutOfMemory
from search.candidates.candidate import Sent
from search.errors import Hopeless, SearchError
from search.running import search as measuring
from search.running import workshop as opening
from search.running.search import Search
from search.showing.step import Step
from search.study_file.spec import load_study
from search.working import session as working
from search.working import trials
from search.working.asking import tell
from search.working.terms import Terms
from search.working.verdict_time import Needed, needed
from search.working.work import work
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.schema import holds
from studies.workers.holds import take
from studies.workers.register import Watch, all_workers, join
from tests.search.conftest import MODELS, TINY, Outcome, write_study
from tests.search.working.conftest import TRIALS, Scene, complete, fake_study

Crucible = Callable[..., Outcome]
BASELINES = ("base", "gsm8k", "math", "code", "uniform")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Four quick trials."""
    return make(tmp_path, trials=4)


def make(folder: Path, **study: Any) -> Scene:
    return Scene(write_study(folder, fake_study(**study)), f"sqlite:///{folder / 'crucible.db'}")


def worked(scene: Scene, terms: Terms | None = None) -> list[Step]:
    """The steps of one worker's work, to its end."""
    steps: list[Step] = []
    assert work(load_study(scene.file), scene.url, terms or Terms(), steps.append) == "complete"
    return steps


def cut(scene: Scene, name: str) -> None:
    """One worker's work, up to a candidate."""

    def report(step: Step) -> None:
        if step.name == name:
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        work(load_study(scene.file), scene.url, Terms(), report)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[FakeEngine]], None]:
    """Have studies answered by another fake engine."""
    return lambda kind: monkeypatch.setattr(opening, "_engine", lambda spec, model: kind())


def test_one_worker_measures_baselines_then_trials_then_judges(scene: Scene) -> None:
    steps = worked(scene)
    assert [(step.phase, step.name, step.done, step.total) for step in steps] == [
        *(
            ("baselines", name, i, 5)
            for i, name in enumerate(["base", "gsm8k", "math", "code", "uniform"], 1)
        ),
        *(("trials", f"trial {i}", i + 1, 4) for i in range(4)),
        *(("holdout", name, i, 7) for i, name in enumerate(BASELINES, 1)),
        *(("holdout", step.name, i, 7) for i, step in enumerate(steps[-2:], 6)),
    ]
    complete(scene, 4)
    with StudyStore(scene.url) as store:
        (worker,) = all_workers(store, store.study("tiny"))
    assert (worker.state, worker.stats["answers"]) == ("ended", 6 * (5 + 4 + 7))


def test_trials_that_others_hold_count_as_theirs(scene: Scene) -> None:
    """Another worker's trial is neither taken nor begun again, and the verdict waits for it."""
    cut(scene, "trial 0")
    with StudyStore(scene.url) as store:
        study = store.study("tiny")
        other = join(store, study)
        from search.proposals.ledger import open_ledger
        from search.running.workshop import open_workshop

        shop = open_workshop(load_study(scene.file))
        ledger = open_ledger("tiny", scene.url, shop.spec.sampler, shop.space.distributions, [])
        number = ledger.create()
        hold = take(store, other, "trials", f"trial {number}")
        assert hold is not None
        said: list[Step] = []
        thread = threading.Thread(target=work, args=(load_study(scene.file), scene.url, Terms(), said.append))
        thread.start()
        deadline = time.monotonic() + 180
        while len(said) < 5 + 2 + 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [step.name for step in said if step.phase == "trials"] == ["trial 2", "trial 3"]
        assert sum(step.phase == "holdout" for step in said) == 5, "baselines are judged meanwhile"
        from studies.workers.register import leave

        leave(store, other)
        thread.join(180)
    assert [step.name for step in said if step.phase == "trials"] == ["trial 2", "trial 3", "trial 1"]
    complete(scene, 4)


def test_an_unfinished_trial_is_gone_on_with_before_another_is_begun(scene: Scene) -> None:
    cut(scene, "trial 1")
    state = scene.rows("select state, reason from crucible_studies")
    assert state == [("failed", "cut")]
    assert [row[0] for row in scene.rows(TRIALS)] == [0, 1]
    worked(scene)
    complete(scene, 4)


class Memoryless(FakeEngine):
    """Has no room for any merge but the baselines."""

    loads = 0

    def load(self, source: WeightSource) -> None:
        type(self).loads += 1
        if type(self).loads > 5:
            raise OutOfMemory("no room for model.norm.weight")
        super().load(source)


def test_ten_failures_of_one_kind_in_a_row_end_the_study_with_the_reason(
    tmp_path: Path, engine: Callable[[type[FakeEngine]], None]
) -> None:
    engine(type("Full", (Memoryless,), {}))
    scene = make(tmp_path, trials=50)
    said: list[Step] = []
    with pytest.raises(
        Hopeless, match=r"^10 trials in a row failed \(out of memory\), the last one \(trial 9\)"
    ):
        work(load_study(scene.file), scene.url, Terms(), said.append)
    assert [step.failure for step in said if step.phase == "trials"] == ["out of memory"] * 10
    rows = scene.rows("select failure, reason from crucible_candidates where state = 'failed'")
    assert rows == [("out of memory", "no room for model.norm.weight")] * 10
    ((state, reason, asked),) = scene.rows("select state, reason, asked from crucible_studies")
    assert (state, asked) == ("stopped", "stop")
    assert "10 trials in a row failed (out of memory)" in reason


class Moody(FakeEngine):
    """Fails of another thing each time."""

    loads = 0

    def load(self, source: WeightSource) -> None:
        type(self).loads += 1
        if type(self).loads > 5:
            raise (OutOfMemory if type(self).loads % 2 else EngineError)("in a bad mood")
        super().load(source)


def test_failures_of_several_kinds_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Moody):
        pass

    monkeypatch.setattr(opening, "_engine", lambda spec, model: Own())
    scene = make(tmp_path, trials=12, budget={"trials": 12, "finalists": 1})
    said: list[Step] = []
    with pytest.raises(SearchError, match="'base' could not be measured: in a bad mood"):
        work(load_study(scene.file), scene.url, Terms(), said.append)
    assert sum(step.phase == "trials" for step in said) == 12, (
        "the search came to its end; the verdict failed"
    )


def test_a_trial_that_workers_die_of_is_given_up_and_the_search_goes_on(scene: Scene) -> None:
    worked(scene, Terms(trials=1))
    from search.proposals.ledger import open_ledger
    from search.running.workshop import open_workshop

    with StudyStore(scene.url) as store:
        study = store.study("tiny")
        shop = open_workshop(load_study(scene.file))
        ledger = open_ledger("tiny", scene.url, shop.spec.sampler, shop.space.distributions, [])
        assert ledger.create() == 1
        for _ in range(5):
            victim = join(store, study)
            assert take(store, victim, "trials", "trial 1") is not None
            kill(scene, victim.id)
            assert [each.id for each in Watch().bury(store, study)] == [victim.id]
    steps = {step.name: step for step in worked(scene) if step.phase == "trials"}
    assert steps["trial 1"].score is None
    assert steps["trial 1"].failure == "engine died"
    assert steps["trial 1"].reason == "workers died or hung while they measured it, again and again"
    assert all(steps[f"trial {i}"].score is not None for i in (2, 3))


def test_nothing_is_left_of_one_that_died_with_its_work_done(scene: Scene) -> None:
    """Killed between the trial's end and letting go of it: nobody will ever take that trial."""
    worked(scene, Terms(trials=1))
    with StudyStore(scene.url) as store:
        study = store.study("tiny")
        victim = join(store, study)
        assert take(store, victim, "trials", "trial 0") is not None
        kill(scene, victim.id)
        worked(scene)
        with reading(store.engine) as connection:
            assert connection.execute(select(holds.c.name)).all() == []
        assert {each.state for each in all_workers(store, study)} == {"ended", "lost"}


def test_what_others_said_of_the_study_meanwhile_is_put_right(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker whose time was up has gone on to judge; this one still searches, and says so."""
    monkeypatch.setattr(working, "POLL_S", 0.0)
    seen: list[str] = []

    def report(step: Step) -> None:
        if step.phase == "trials":
            (((state, _),)) = scene.rows("select state, reason from crucible_studies")
            seen.append(state)
            with StudyStore(scene.url) as store:
                store.set_state(store.study("tiny"), "judging")

    work(load_study(scene.file), scene.url, Terms(), report)
    assert seen == ["searching"] * 4


def kill(scene: Scene, worker: str) -> None:
    """Make a worker look as if its process were gone."""
    from sqlalchemy import create_engine, text

    engine = create_engine(scene.url)
    with engine.begin() as connection:
        connection.execute(
            text("update crucible_workers set pid = 4194304, started = '1' where id = :id"), {"id": worker}
        )
    engine.dispose()


class Slow(FakeEngine):
    """Takes a tenth of a second for each batch."""

    def __init__(self) -> None:
        super().__init__(seconds=0.1)


def test_time_is_kept_for_the_verdict(tmp_path: Path, engine: Callable[[type[FakeEngine]], None]) -> None:
    engine(Slow)
    worked(make(tmp_path / "before", trials=2))  # imports and statistics take seconds, once
    scene = make(tmp_path / "timed", trials=500)
    began = time.monotonic()
    steps = worked(scene, Terms(until=time.time() + 12))
    took = time.monotonic() - began
    searched = sum(step.phase == "trials" for step in steps)
    assert 2 <= searched < 110
    assert [step.phase for step in steps[-7:]] == ["holdout"] * 7
    assert took < 12, "the verdict was there in time"
    ((state, reason),) = scene.rows("select state, reason from crucible_studies")
    assert (state, reason) == ("complete", f"time ran out after {searched} of 500 trials")


def test_a_second_is_kept_for_what_is_measured_nowhere(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[float] = []

    def recorded(search: Search, recent: Sequence[float], workers: int) -> Needed:
        kept.append(needed(search, (), workers).verdict)
        return needed(search, recent, workers)

    monkeypatch.setattr(trials, "needed", recorded)
    worked(scene, Terms(hours=1))
    assert 1 < min(kept) <= max(kept) < 2, "the fake engine's answers and tiny weights take next to nothing"


def test_a_trial_that_would_cost_the_verdict_its_time_is_handed_back(
    tmp_path: Path, engine: Callable[[type[FakeEngine]], None]
) -> None:
    end = time.time() + 10

    class Slower(FakeEngine):
        """The first batch of the fourth trial takes all the time there is."""

        asked = 0

        def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
            type(self).asked += 1
            time.sleep(max(0.0, end - time.time()) if type(self).asked == 2 * (5 + 3) + 1 else 0.0)
            return super().loglikelihood(pairs)

    engine(Slower)
    scene = make(tmp_path, trials=500, items=100)
    steps = worked(scene, Terms(until=end))
    assert [step.phase for step in steps[-7:]] == ["holdout"] * 7
    assert sum(step.phase == "trials" for step in steps) == 3
    unfinished = scene.rows("select name from crucible_candidates where state = 'running'")
    assert unfinished == [("trial 3",)], "the next run goes on with it"


def test_a_paused_worker_keeps_what_it_works_on_and_its_engine(
    tmp_path: Path, engine: Callable[[type[FakeEngine]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "POLL_S", 0.05)
    monkeypatch.setattr(working, "GLANCE_S", 0.0)
    asked: list[int] = []

    class Pausing(FakeEngine):
        """Has its study paused in the middle of its sixth candidate, and resumed a while later."""

        def load(self, source: WeightSource) -> None:
            asked.append(0)
            super().load(source)

        def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
            asked[-1] += len(pairs)
            if len(asked) == 6 and asked[-1] == 64:
                tell(scene.url, "tiny", "pause")
                threading.Timer(1.0, tell, (scene.url, "tiny", None)).start()
            return super().loglikelihood(pairs)

    engine(Pausing)
    scene = make(tmp_path, trials=2, items=100)
    began = time.monotonic()
    worked(scene)
    assert time.monotonic() - began > 1.0
    assert asked[:7] == [100] * 7, "the second batch went to the engine that held the weights"
    complete(scene, 2)


def test_one_that_is_killed_while_it_is_paused_has_not_died_of_its_work(
    tmp_path: Path, engine: Callable[[type[FakeEngine]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "POLL_S", 0.05)
    monkeypatch.setattr(working, "GLANCE_S", 0.0)
    held: list[Any] = []

    def look() -> None:
        held.extend(scene.rows("select * from crucible_holds"))
        tell(scene.url, "tiny", None)

    class Pausing(FakeEngine):
        """Has its study paused in the middle of its first candidate."""

        asked = 0

        def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
            type(self).asked += 1
            if type(self).asked == 1:
                tell(scene.url, "tiny", "pause")
                threading.Timer(1.0, look).start()
            return super().loglikelihood(pairs)

    engine(Pausing)
    scene = make(tmp_path, trials=1, items=100)
    worked(scene)
    assert held == [], "it holds nothing while it waits"
    complete(scene, 1)


def test_one_that_was_taken_for_dead_joins_again_and_measures_nothing_twice(
    scene: Scene,
) -> None:
    def report(step: Step) -> None:
        if (step.phase, step.name) == ("trials", "trial 1"):
            with StudyStore(scene.url) as store:
                (own,) = all_workers(store, store.study("tiny"), "working")
                kill(scene, own.id)
                Watch().bury(store, own.study)

    assert work(load_study(scene.file), scene.url, Terms(), report) == "complete"
    complete(scene, 4)
    assert [row[0] for row in scene.rows("select state from crucible_workers order by joined_at")] == [
        "lost",
        "ended",
    ]


def test_hours_of_no_length_still_end_with_a_verdict(scene: Scene, crucible: Crucible) -> None:
    outcome = crucible("run", scene.file, "--storage", scene.url, "--hours", 0, "--json")
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)
    assert [row["kind"] for row in rows].count("trial") == 0
    assert all(row["holdout_mean"] is not None for row in rows)


def test_a_time_that_is_past_is_refused(scene: Scene, crucible: Crucible) -> None:
    outcome = crucible("run", scene.file, "--storage", scene.url, "--until", "2020-01-01T07:00")
    assert outcome.code == 2
    assert outcome.err.startswith("crucible: --until 2020-01-01T07:00: is past (it is ")


def test_finalists_are_looked_for_where_models_lie_for_the_worker_that_judges_them(tmp_path: Path) -> None:
    """Its machine may have them elsewhere than the one that searched."""
    for folder in ("there", "here"):
        for model in MODELS:
            shutil.copytree(TINY / model, tmp_path / folder / model)
    there = make(tmp_path / "there", trials=2)
    cut(there, "trial 1")
    (tmp_path / "there").rename(tmp_path / "gone")
    file = write_study(tmp_path / "here", fake_study(trials=2))
    asked: set[Path] = set()

    class Asking(Sent):
        def __iter__(self) -> Iterator[tuple[str, Any]]:
            asked.update(Path(ref.path).parent for ref in (self.recipe.base, *self.recipe.experts))
            return super().__iter__()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "Sent", Asking)
        worked(Scene(file, f"sqlite:///{tmp_path / 'gone' / 'crucible.db'}"))
    assert asked == {tmp_path / "here"}
