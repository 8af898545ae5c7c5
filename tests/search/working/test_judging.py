"""Finalists answer holdout items round by round; whoever is behind beyond doubt is asked no more of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console
from sqlalchemy import create_engine, text

from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.engine import Completion
from evaluators.engines.fake import FakeEngine
from search.running import workshop as opening
from search.running.measure import Bench
from search.running.search import finalists, open_search
from search.running.workshop import open_workshop
from search.showing.display import Display
from search.showing.step import Step
from search.signals.logs import log_step
from search.study_file.spec import load_study
from search.working.progress import Progress
from search.working.sharing import rounds
from search.working.terms import Terms
from search.working.work import work
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from tests.search.conftest import write_study
from tests.search.working.conftest import Scene, complete, fake_study

BASELINES, TRIALS, HOLDOUT, BATCH = 5, 4, 150, 64
GOOD = (5, 8)
"""Who is good, in the order in which models are loaded: the first trial, and the last."""
ASKED = """select c.name, count(*) from crucible_candidates c join crucible_evidence e
    on e.subject_digest = c.digest join crucible_study_slices s on s.slice_digest = e.slice_digest
    where s.split = 'holdout' and c.kind = 'trial' group by c.name order by c.name"""


# -- rounds --------------------------------------------------------------------------------------------------


def part(name: str, n: int) -> Slice:
    items = tuple(Item(index, f"{name} {index}", {}) for index in reversed(range(n)))
    return Slice(name, "gsm8k", "holdout", items, (), 8, "gsm8k")


@pytest.mark.parametrize(
    ("items", "ends"),
    [
        ((150, 150), [(64, 64), (128, 128), (150, 150)]),
        ((64, 10), [(64, 10)]),
        ((300, 100, 10), [(64, 64, 10), (128, 64, 10), (192, 100, 10), (256, 100, 10), (300, 100, 10)]),
    ],
)
def test_rounds_end_with_whole_batches_and_slices_come_to_their_end_together(
    items: Sequence[int], ends: Sequence[Sequence[int]]
) -> None:
    slices = [part(str(i), n) for i, n in enumerate(items)]
    assert [tuple(len(each.items) for each in asked) for asked in rounds(slices)] == list(map(tuple, ends))
    for asked in rounds(slices):
        for whole, some in zip(slices, asked, strict=True):
            assert whole.items[: len(some.items)] == some.items


def test_there_are_no_more_than_eight_rounds() -> None:
    found = rounds([part("gsm8k", 1319), part("math", 500)])
    assert len(found) == 8
    assert [len(asked[0].items) for asked in found] == [192, 384, 512, 704, 896, 1024, 1216, 1319]
    assert [len(asked[1].items) for asked in found] == [64, 128, 192, 256, 320, 384, 448, 500]


# -- a study -------------------------------------------------------------------------------------------------


class Unequal(FakeEngine):
    """Answers nine of ten holdout items rightly with the weights of some, and one in three with others'."""

    gold: ClassVar[dict[str, tuple[int, str]]]
    seen: ClassVar[list[str]]
    batches: ClassVar[dict[str, list[tuple[str, ...]]]]

    def load(self, source: Any) -> None:
        super().load(source)
        if str(self._weights) not in self.seen:
            self.seen.append(str(self._weights))

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        self.batches.setdefault(str(self._weights), []).append(tuple(prompts))
        good = self.seen.index(str(self._weights)) in GOOD
        found = []
        for prompt in prompts:
            number, answer = self.gold[prompt]
            right = number % 10 != 0 if good else number % 3 == 0
            found.append(Completion(answer if right else "#### -1", 4))
        return found


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Four trials, all of them finalists, two of them good."""
    study = fake_study(trials=TRIALS, budget={"trials": TRIALS, "finalists": TRIALS})
    study["slices"] = [{**study["slices"][0], "holdout": HOLDOUT}]
    scene = Scene(write_study(tmp_path, study), f"sqlite:///{tmp_path / 'crucible.db'}")
    (judging,) = open_workshop(load_study(scene.file)).holdout_slices
    gold = {
        item.prompt: (i, f"#### {item.doc['answer'].split()[-1]}") for i, item in enumerate(judging.items)
    }
    kind = type("Own", (Unequal,), {"gold": gold, "seen": [], "batches": {}})
    monkeypatch.setattr(opening, "_engine", lambda spec, model: kind())
    return scene


def worked(scene: Scene, hear: Callable[[Step], None] = lambda step: None) -> list[Step]:
    steps: list[Step] = []

    def report(step: Step) -> None:
        steps.append(step)
        hear(step)

    assert work(load_study(scene.file), scene.url, Terms(), report) == "complete"
    return steps


def asked(scene: Scene) -> dict[str, int]:
    return dict(scene.rows(ASKED))


def test_whoever_is_behind_is_dropped_and_the_others_answer_everything(scene: Scene) -> None:
    said: list[Any] = []
    steps = worked(scene, lambda step: said.extend(scene.rows("select state, reason from crucible_studies")))
    complete(scene, TRIALS)
    assert asked(scene) == {"trial 0": HOLDOUT, "trial 1": BATCH, "trial 2": BATCH, "trial 3": HOLDOUT}
    judged = [step for step in steps if step.phase == "holdout"]
    assert [(step.done, step.total) for step in judged] == [(i, 9) for i in range(1, 10)]
    assert {step.name: step.dropped_after for step in judged[BASELINES:]} == {
        "trial 1": BATCH,
        "trial 2": BATCH,
        "trial 0": None,
        "trial 3": None,
    }
    (behind,) = [step.score for step in judged if step.name == "trial 1"]
    assert behind == pytest.approx(22 / 64)
    assert ("judging", "holdout items: round 1 of 3, 4 of 4 finalists left") in said
    assert said[-1] == ("judging", "holdout items: last round")
    assert scene.rows("select state, reason from crucible_studies") == [("complete", None)]


def test_the_leaderboard_says_who_was_dropped(scene: Scene) -> None:
    worked(scene)
    with StudyStore(scene.url) as store:
        rows = build_leaderboard(store, "tiny")
    found = {row.name: row for row in rows}
    assert {found[name].holdout_mean for name in ("trial 1", "trial 2")} == {None}
    assert {row.name for row in rows[:2]} == {"trial 0", "trial 3"}, "both are as good"
    (verdict,) = [row.to_json()["verdict"] for row in rows if row.winner]
    assert verdict is not None
    assert verdict["dropped"] == {"trial 1": BATCH, "trial 2": BATCH}
    assert (verdict["finalists"], verdict["runner_up"]["name"]) == (4, rows[1].name)
    assert verdict["optimism"] is None, "search scores were log-probabilities"
    said = conclusion(rows)
    assert "before all 150 holdout items were asked: trial" in said


def test_survivors_are_asked_in_the_batches_of_those_who_answer_in_one_go(scene: Scene) -> None:
    worked(scene)
    engine = opening._engine(None, None)  # type: ignore[arg-type]
    assert isinstance(engine, Unequal)
    by_candidate = [engine.batches[weights] for weights in engine.seen]
    baseline, first = by_candidate[0], by_candidate[GOOD[0]]
    assert [len(batch) for batch in baseline] == [64, 64, 22]
    assert first == baseline
    assert by_candidate[GOOD[0] + 1] == baseline[:1]


def test_interrupted_between_two_rounds_it_goes_on_to_the_same_verdict(scene: Scene) -> None:
    def cut(step: Step) -> None:
        if step.dropped_after is not None:
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        worked(scene, cut)
    assert set(asked(scene).values()) == {BATCH}
    steps = worked(scene)
    assert {step.name for step in steps if step.dropped_after} == {"trial 1", "trial 2"}
    assert asked(scene) == {"trial 0": HOLDOUT, "trial 1": BATCH, "trial 2": BATCH, "trial 3": HOLDOUT}
    complete(scene, TRIALS)


def test_a_study_that_is_judged_whole_stays_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of an earlier version, which asked all finalists everything."""
    with monkeypatch.context() as patch:
        patch.setattr("search.working.sharing.MOST_ROUNDS", 1)
        worked(scene)
    with StudyStore(scene.url) as store:
        before = build_leaderboard(store, "tiny")
    assert set(asked(scene).values()) == {HOLDOUT}
    assert not any(step.dropped_after for step in worked(scene))
    with StudyStore(scene.url) as store:
        assert build_leaderboard(store, "tiny") == before
    assert all(row.holdout_mean is not None for row in before)


def test_two_workers_share_the_rounds_and_drop_the_same(scene: Scene) -> None:
    spec = load_study(scene.file)
    cut_before_judging(scene)
    heard: list[list[Step]] = [[], []]
    threads = [
        threading.Thread(target=work, args=(spec, scene.url, Terms(index=i), heard[i].append))
        for i in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    assert asked(scene) == {"trial 0": HOLDOUT, "trial 1": BATCH, "trial 2": BATCH, "trial 3": HOLDOUT}
    complete(scene, TRIALS)
    dropped = [{step.name for step in steps if step.dropped_after} for steps in heard]
    assert dropped == [{"trial 1", "trial 2"}, set()], "the first one says it for all"


def cut_before_judging(scene: Scene) -> None:
    def cut(step: Step) -> None:
        if step.phase == "holdout":
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        worked(scene, cut)


def test_the_progress_of_workers_shows_who_was_dropped(scene: Scene) -> None:
    worked(scene)
    with StudyStore(scene.url) as store:
        steps = [step for step in Progress(store, "tiny", TRIALS, TRIALS).look() if step.phase == "holdout"]
    assert (steps[-1].done, steps[-1].total) == (9, 9)
    assert {step.name: step.dropped_after for step in steps if step.dropped_after} == {
        "trial 1": BATCH,
        "trial 2": BATCH,
    }


def test_only_trials_that_were_scored_to_the_end_are_finalists(scene: Scene) -> None:
    worked(scene)
    engine = create_engine(scene.url)
    with engine.begin() as connection:
        connection.execute(
            text("update crucible_candidates set state = 'pruned' where name in ('trial 0', 'trial 2')")
        )
    engine.dispose()
    with StudyStore(scene.url) as store:
        shop = open_workshop(load_study(scene.file))
        bench = Bench(store, shop.engine(), setting=shop.setting)
        search = open_search(bench, store.study("tiny"), scene.url, shop)
        assert {each.name for each in finalists(search, 5)} == {"trial 1", "trial 3"}


# -- what is shown -------------------------------------------------------------------------------------------


def test_a_line_and_a_log_say_that_a_finalist_was_dropped(caplog: pytest.LogCaptureFixture) -> None:
    step = Step("holdout", 6, 9, "trial 1", 0.34375, dropped_after=BATCH)
    console = Console(record=True, width=200)
    Display(console).follow([step])
    assert "trial 1    34.4 dropped as behind after 64 holdout items" in console.export_text()
    with caplog.at_level("INFO"):
        log_step(step)
        log_step(Step("holdout", 7, 9, "trial 0", 0.9))
    assert [getattr(record, "dropped_after", None) for record in caplog.records] == [BATCH, None]
