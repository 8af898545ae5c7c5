"""`crucible check --measure`: base and uniform merge answer the search items; nothing of it is kept."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from evaluators.engines.engine import Completion, WeightSource
from search.running.checking.dry_run import dry_run
from search.running.checking.forecast import forecast
from search.running.workshop import Workshop
from search.showing.display import Display
from tests.search.conftest import Finished, Outcome, small_study, write_study
from tests.search.running.idle import everybody, nobody, study

Crucible = Callable[..., Outcome]
TOKENS = """
    select c.name, sum(e.tokens) from crucible_evidence e
    join crucible_candidates c on c.digest = e.subject_digest
    join crucible_study_slices s on s.slice_digest = e.slice_digest
    where s.split = 'search' and c.name in ('base', 'uniform') group by 1
"""


class Listening:
    """The study's real engine, remembering what it is asked."""

    def __init__(self, workshop: Workshop) -> None:
        self.engine = workshop.engine()
        self.description, self.context = self.engine.description, self.engine.context
        self.asked: list[str] = []

    def load(self, source: WeightSource) -> None:
        self.engine.load(source)

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        self.asked += prompts
        return self.engine.generate(prompts, stop, max_tokens)

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> Any:
        self.asked += [context for context, _ in pairs]
        return self.engine.loglikelihood(pairs)

    def close(self) -> None:
        self.engine.close()


def test_each_search_item_is_asked_twice_and_no_holdout_item_ever(workshop: Workshop) -> None:
    engine = Listening(workshop)
    dry_run(workshop, engine, Display(Console(quiet=True)))
    search = [item.prompt for part in workshop.search_slices for item in part.items]
    assert sorted(engine.asked) == sorted(2 * search)
    assert not {item.prompt for part in workshop.holdout_slices for item in part.items} & set(engine.asked)


@pytest.fixture(scope="module")
def measured(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a script reads: a process of its own, whose standard output is JSON and nothing else."""
    url = f"sqlite:///{tmp_path_factory.mktemp('measured') / 'own.db'}"
    done = start("check", finished.file, "--measure", "--json", "--storage", url).communicate(timeout=300)
    report: dict[str, Any] = json.loads(done[0])
    progress = [line for line in done[1].splitlines() if line.startswith("dry run")]
    assert [line.split()[2] for line in progress] == ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"], done
    assert not Path(url.removeprefix("sqlite:///")).exists(), "a check keeps nothing"
    return report


def start(*arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", "search", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, text=True, stdout=pipe, stderr=pipe)


def test_it_tells_what_a_run_finds_of_the_same_models(
    measured: dict[str, Any], finished: Finished, crucible: Crucible
) -> None:
    rows = json.loads(crucible("leaderboard", "tiny", "--storage", finished.storage, "--json").out)
    known = {row["name"]: row["search"] for row in rows}
    for part, scores in measured["measured"]["slices"].items():
        assert set(scores) == {"base", "uniform"}
        for name, score in scores.items():
            assert set(score) == {"mean", "n", "low", "high"}
            assert {key: score[key] for key in ("mean", "n")} == known[name][part]
            assert score["low"] <= score["mean"] <= score["high"]
    with sqlite3.connect(finished.storage.removeprefix("sqlite:///")) as database:
        assert measured["measured"]["trial"]["tokens"] == dict(database.execute(TOKENS))["uniform"]


def test_the_budget_is_reckoned_from_the_trial(measured: dict[str, Any]) -> None:
    found = measured["measured"]
    trial, budget = found["trial"], found["budget"]
    assert 0 < trial["merging_seconds"] < trial["seconds"] < 60
    assert (budget["trials"], budget["of"]) == (4, 4)
    assert budget["baselines_seconds"] == pytest.approx(5 * trial["seconds"])
    assert budget["search_seconds"] == pytest.approx(4 * trial["seconds"])
    # holdout has twice the items, for five baselines and two finalists
    answering = trial["seconds"] - trial["merging_seconds"]
    assert budget["holdout_seconds"] == pytest.approx(7 * (trial["merging_seconds"] + 2 * answering))
    parts = ("baselines_seconds", "search_seconds", "holdout_seconds")
    assert budget["seconds"] == pytest.approx(sum(budget[part] for part in parts))
    assert datetime.fromisoformat(budget["ends_at"]).tzinfo is not None


def test_a_check_that_measures_nothing_says_what_it_always_did(
    measured: dict[str, Any], finished: Finished, crucible: Crucible, tmp_path: Path
) -> None:
    outcome = crucible("check", finished.file, "--json", "--storage", f"sqlite:///{tmp_path / 'own.db'}")
    plain = json.loads(outcome.out)
    assert (set(measured) - set(plain), outcome.err) == ({"measured"}, "")
    text = crucible("check", finished.file, "--storage", f"sqlite:///{tmp_path / 'own.db'}").out
    assert "measured" not in text


def test_a_person_reads_what_steers_nothing_and_when_the_budget_would_end(
    tmp_path: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_study(tmp_path, study(nobody(tmp_path), everybody(tmp_path)))
    outcome = crucible("check", file, "--measure")
    lines = [line.strip() for line in outcome.out.splitlines()]
    told = lines[lines.index("measured") + 1 :]
    assert (outcome.code, len(told)) == (0, 7)
    assert told[0] == "nobody: base 0.0 [0.0, 39.0] (n = 6), uniform 0.0 [0.0, 39.0] (n = 6)"
    assert told[1] == "everybody: base 100.0 [61.0, 100.0] (n = 6), uniform 100.0 [61.0, 100.0] (n = 6)"
    assert told[2] == (
        "slice 'nobody' steers nothing as far as that tells: base and uniform each answer 0 of its 6 search"
        " items rightly (0.0%, 95% interval 0.0% to 39.0%); the experts were not asked; what helps:"
        " `objective: gold_logprob`; more few-shots (num_fewshot is 0); other, easier items"
    )
    assert told[3].startswith("slice 'everybody' steers nothing as far as that tells: base and uniform each")
    assert told[4] == "no slice steers: `crucible run` asks for --anyway if the experts answer alike"
    assert told[5].startswith("a trial takes ")
    assert told[5].endswith(" and 12 tokens of answers"), "two slices of six answers of one token"
    assert told[6].startswith("the budget would end about 0:")
    assert all(part in told[6] for part in ("(baselines 0:", ", 2 trials 0:", ", holdout 0:"))


def test_a_search_by_gold_answers_is_measured_as_it_is_steered(
    tmp_path: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    steered = study(nobody(tmp_path), everybody(tmp_path), objective="gold_logprob")
    file = write_study(tmp_path, steered)
    found = json.loads(crucible("check", file, "--measure", "--json").out)["measured"]
    assert found["steers_nothing"] == []
    for score in (score for scores in found["slices"].values() for score in scores.values()):
        assert score["mean"] < 0
        assert (score["n"], score["of"], set(score)) == (6, "gold_logprob", {"mean", "n", "of"})
    budget = found["budget"]
    assert budget["holdout_seconds"] is None, "holdout answers are generated, which nothing here was"
    assert budget["seconds"] == pytest.approx(budget["baselines_seconds"] + budget["search_seconds"])


def test_what_steers_nothing_is_there_for_scripts(
    tmp_path: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_study(tmp_path, study(nobody(tmp_path), everybody(tmp_path)))
    one, other = json.loads(crucible("check", file, "--measure", "--json").out)["measured"]["steers_nothing"]
    assert (one["slice"], one["mean"], one["n"], one["low"]) == ("nobody", 0, 6, 0)
    assert one["high"] == pytest.approx(0.39, abs=1e-3)
    assert one["asked"] == ["base", "uniform"]
    assert one["helps"][0] == "`objective: gold_logprob`"
    assert (other["slice"], other["mean"], round(other["low"], 3), other["high"]) == ("everybody", 1, 0.61, 1)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    file, url = write_study(tmp_path, small_study(items=100)), f"sqlite:///{tmp_path / 'own.db'}"
    process = start("check", file, "--measure", "--storage", url)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("dry run")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopped by SIGINT. A dry run keeps nothing; to go on: crucible check" in err
    assert "Traceback" not in err


# -- when the budget would end -------------------------------------------------------------------------------


def test_a_budget_of_trials_ends_with_the_last_verdict() -> None:
    found = forecast(trial=2.0, holdout=10.0, entrants=5, trials=100, finalists=3, hours=None)
    assert (found.baselines, found.search, found.holdout, found.seconds) == (10.0, 200.0, 80.0, 290.0)
    assert (found.trials, found.of) == (100, 100)
    assert found.ends - found.began == timedelta(seconds=290)
    assert "about 4:50 from now" in found.to_text()
    assert "(baselines 0:10, 100 trials 3:20 at 1,800 an hour, holdout 1:20)" in found.to_text()
    assert found.to_json()["trials_per_hour"] == 1800


@pytest.mark.parametrize(
    ("seconds", "trials"),
    [
        (116.0, 13),
        (117.9, 13),  # 10 s for the baselines and 80 s for the verdict are kept
        (118.0, 14),
        (10.0, 0),  # the baselines take all of it
        (1e6, 100),
    ],
)
def test_hours_end_with_the_verdict(seconds: float, trials: int) -> None:
    found = forecast(2.0, 10.0, entrants=5, trials=100, finalists=3, hours=seconds / 3600)
    assert (found.trials, found.search, found.holdout) == (trials, 2.0 * trials, 10.0 * (5 + min(3, trials)))
    if trials < 100:
        assert f"{trials} of 100 trials" in found.to_text()


def test_a_verdict_that_was_not_timed_is_said_to_be_missing() -> None:
    found = forecast(2.0, None, entrants=5, trials=10, finalists=3, hours=None)
    assert (found.seconds, found.to_json()["holdout_seconds"]) == (30.0, None)
    assert "an hour, and then the holdout items, whose answers were not timed" in found.to_text()


def test_workers_that_measure_side_by_side_take_less_time() -> None:
    found = forecast(2.0, 10.0, entrants=5, trials=100, finalists=3, hours=None, side_by_side=4)
    assert (found.baselines, found.search, found.holdout, found.per_hour) == (2.5, 50.0, 20.0, 7200)
