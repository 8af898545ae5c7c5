"""Races of several workers on one study: nothing is asked twice or lost, and each is decided as it began."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from search.candidates.candidate import Sent
from search.proposals.baselines import Entrant, baselines
from search.racing.race import run
from search.running.measure import Bench
from search.running.racing.leader import values
from search.running.racing.race import Race, open_race, run_race
from search.running.search import Search, enter, open_search
from search.running.workshop import open_workshop
from search.showing.display import Display
from search.showing.step import Step
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.store import StudyStore
from studies.store.rows import Candidate
from tests.search.conftest import write_study
from tests.search.working.conftest import EVIDENCE, MakeScene, Scene, complete, fake_study

ITEMS, BLOCKS, TRIALS = 96, 3, 10
RACED: dict[str, Any] = {
    "items": ITEMS,
    "racing": {"error": 0.05, "blocks": BLOCKS},
    "sampler": {"name": "auto", "seed": 1},
}
"""By this seed candidates are stopped, and about half of them not before their second block."""
HELD = """
    select w.pid from crucible_candidates c join crucible_holds h on h.name = c.name
    join crucible_workers w on w.id = h.worker_id
    where c.kind = 'trial' and c.state = 'running' and h.stage = 'trials'
    and (select count(*) from crucible_evidence e where e.subject_digest = c.digest) in (32, 64)
"""
"""Who works on a trial that has answered one or two of the three blocks."""


@contextmanager
def searched(scene: Scene) -> Iterator[Search]:
    """The study as a worker has it, to look at."""
    with StudyStore(scene.url) as store:
        shop = open_workshop(load_study(scene.file))
        with closing(shop.engine()) as engine:
            bench = Bench(store, engine, setting=shop.setting)
            bench.yardstick = shop.yardstick
            study = store.begin("tiny", shop.identity())
            search = open_search(bench, study, scene.url, shop)
            with closing(search.ledger):
                yield search


def named(search: Search, name: str) -> Candidate:
    return next(row for row in search.store.candidates(search.study) if row.name == name)


def decided(search: Search, row: Candidate) -> int | None:
    """After how many items this trial is stopped, against the rival that it had, all being known."""
    (part,) = search.workshop.search_slices
    race = open_race(search.workshop, search.bench, search.study, row.digest)
    assert race is not None
    rival = named(search, str(row.reason).rpartition("beat ")[2])
    assert rival.state == "complete"
    best, own = values(search.bench, rival.digest, part), values(search.bench, row.digest, part)
    finish = run([best], [np.nan_to_num(own, nan=-1e9)], race.blocks, race.rules, exact=race.exact)
    return finish.estimate.items if finish.block is not None else None


def check_races(scene: Scene) -> None:
    """Who was stopped was asked whole blocks, and is stopped there by its rival's answers and its own."""
    with searched(scene) as search:
        (part,) = search.workshop.search_slices
        rows = [row for row in search.store.candidates(search.study) if row.kind == "trial"]
        asked = {row.name: len(search.store.measured(row.digest, search.bench.key(part))) for row in rows}
        stopped = [row for row in rows if row.state == "pruned"]
        assert stopped
        assert {row.state for row in rows} == {"complete", "pruned"}
        assert {asked[row.name] for row in rows if row.state == "complete"} == {ITEMS}
        for row in stopped:
            said = re.match(r"stopped after (\d+) of 96 items \((\d) of 3 blocks\)", str(row.reason))
            assert said is not None, row.reason
            assert asked[row.name] == int(said[1]) == int(said[2]) * ITEMS // BLOCKS == decided(search, row)


def test_two_workers_race_their_trials(make_scene: MakeScene, url: str) -> None:
    scene = make_scene(url, trials=TRIALS, seconds=0.02, **RACED)
    workers = [scene.start("worker") for _ in range(2)]
    for each in workers:
        _, err = each.communicate(timeout=120)
        assert each.returncode == 0, err
    complete(scene, TRIALS)
    check_races(scene)
    answers = scene.rows("select stats from crucible_workers")
    assert len(answers) == 2


def test_one_of_two_is_killed_in_the_middle_of_a_race(make_scene: MakeScene, url: str) -> None:
    """The other asks the rest of that race; what was answered before stays as it was."""
    scene = make_scene(url, trials=TRIALS, seconds=0.8, **RACED)
    one, another = scene.start("worker"), scene.start("worker")
    (racing, *_) = scene.wait(HELD, 1, one, another)
    killed, other = (one, another) if racing == (one.pid,) else (another, one)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    before = {row[:3]: row[3] for row in scene.rows(EVIDENCE)}
    _, err = other.communicate(timeout=120)
    assert other.returncode == 0, err
    complete(scene, TRIALS)
    after = {row[:3]: row[3] for row in scene.rows(EVIDENCE)}
    assert before.items() <= after.items(), "what was measured was neither lost nor measured again"
    check_races(scene)


def test_one_that_is_killed_in_a_race_and_started_again_ends_as_if_it_had_not(
    make_scene: MakeScene, url: str, tmp_path: Path
) -> None:
    study = {**RACED, "trials": TRIALS}
    scene = make_scene(url, seconds=0.25, **study)
    command = scene.start("run")
    scene.wait(HELD, 1, command)
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    assert scene.run("run").returncode == 0
    whole = Scene(write_study(tmp_path / "whole", fake_study(**study)), f"sqlite:///{tmp_path / 'whole.db'}")
    run_study(load_study(whole.file), whole.url, Display(Console(quiet=True)))
    ended = "select kind, name, digest, state, reason from crucible_candidates order by kind, name"
    assert scene.rows(ended) == whole.rows(ended)
    assert {row[:3] for row in scene.rows(EVIDENCE)} == {row[:3] for row in whole.rows(EVIDENCE)}
    check_races(scene)


def test_a_race_is_against_who_was_best_when_it_began(make_scene: MakeScene, tmp_path: Path) -> None:
    """Another worker finds a better one meanwhile: this race goes on as it began, the next one has that."""
    with searched(make_scene(f"sqlite:///{tmp_path / 'scores.db'}", **RACED)) as search:
        everybody = baselines(search.workshop.space)
        scores = {each.name: _entered(search, each) for each in everybody}
    worst, *_, better, best = sorted(everybody, key=lambda each: scores[each.name])
    with searched(make_scene(f"sqlite:///{tmp_path / 'race.db'}", **RACED)) as search:
        _entered(search, better)
        search.store.enter(search.study, worst.kind, worst.name, None, worst.recipe)
        race = _opened(search, worst)
        assert race.name == better.name
        _entered(search, best)
        finish = run_race(search.bench, worst.recipe.digest, Sent(worst.recipe, here=search.worker), race)
        own = values(search.bench, worst.recipe.digest, race.slices[0])
        known = run(race.best, [np.nan_to_num(own, nan=-1e9)], race.blocks, race.rules, exact=race.exact)
        assert (finish.block, finish.estimate.items) == (known.block, known.estimate.items)
        assert _opened(search, worst).name == best.name


def _entered(search: Search, entrant: Entrant) -> float:
    """Its score, measured on everything."""
    step = enter(search, entrant, search.workshop.search_slices, Step("baselines", 0, 1, entrant.name))
    assert isinstance(step.score, float)
    return step.score


def _opened(search: Search, entrant: Entrant) -> Race:
    race = open_race(search.workshop, search.bench, search.study, entrant.recipe.digest)
    assert race is not None
    return race
