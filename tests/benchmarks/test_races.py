"""Races of searches: what a run writes of them, and what their rows say of items, scores and lost winners."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.landscape import ours as ours_module
from benchmarks.landscape.entries import ENTRIES, WORKERS
from benchmarks.landscape.findings.measures import curves
from benchmarks.landscape.findings.report import RACES, ROWS, write_report
from benchmarks.landscape.findings.rows import UNRACED, RaceRow, Row, read_races, write_rows
from benchmarks.landscape.findings.savings import Error, at_equal_trials, realised, runs_of, saved
from benchmarks.landscape.ground import Ground
from benchmarks.landscape.objective import Interrupted, Objective, Spent
from benchmarks.landscape.ours import ours
from benchmarks.landscape.races import races_of
from merging.errors import RecipeError
from merging.recipe import Recipe
from search.proposals.ledger import Ledger, Proposal, open_ledger
from search.proposals.space import SearchSpace
from tests.benchmarks.test_landscape import ITEMS, _study

SIZE = 100
WHOLE = 3 * ITEMS


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground.of(_study(tmp_path_factory.mktemp("study")))


def spend(ground: Ground, entry: str, trials: int) -> Objective:
    """A search of the items of so many whole trials, by random draws after the starting points."""
    objective = Objective(ground, trials * WHOLE)
    with pytest.raises(Spent):
        ours("random", racing=UNRACED not in entry)(objective, 0)
    return objective


def test_a_raced_search_tells_how_each_race_ended_and_how_it_would_have(ground: Ground) -> None:
    objective = spend(ground, "random", 8)
    races = [*races_of(objective, "small", "random", 0)]
    assert [race.trial for race in races] == [*range(1, len(objective.tried))]
    assert [(race.items, race.spent) for race in races] == [(t.items, t.spent) for t in objective.tried[1:]]
    assert any(race.stopped for race in races)
    assert all(race.stopped == (race.items < WHOLE) for race in races)
    for race, each in zip(races, objective.tried[1:], strict=True):
        assert race.score == ground.score(each.recipe, "search")
    best = max(improvement.score for improvement in objective.found)
    assert races[-1].incumbent <= best
    assert [race.incumbent for race in races] == sorted(race.incumbent for race in races)


def test_nothing_of_what_races_left_out_is_paid_by_the_search(ground: Ground) -> None:
    objective = spend(ground, "random", 8)
    spent = objective.spent
    [*races_of(objective, "small", "random", 0)]
    assert objective.spent == spent <= 8 * WHOLE


def test_a_search_without_racing_is_raced_afterwards(ground: Ground) -> None:
    """Its rows have the items of the races, and what the search itself had spent."""
    objective = spend(ground, "random-unraced", 8)
    races = [*races_of(objective, "small", "random-unraced", 0)]
    assert [race.spent for race in races] == [WHOLE * n for n in range(2, 9)]
    assert sum(race.stopped for race in races) > 0
    assert all(race.items < WHOLE for race in races if race.stopped)
    together = spend(ground, "random", 8)
    raced = [*races_of(together, "small", "random", 0)]
    first = [(race.items, race.score, race.incumbent) for race in raced[: len(races)]]
    assert first == [(race.items, race.score, race.incumbent) for race in races], "the same blocks"


def test_a_recipe_that_is_tried_again_is_said_to_be(ground: Ground) -> None:
    objective = spend(ground, "random-unraced", 3)
    objective.tried.append(replace(objective.tried[1]))
    assert [race.again for race in races_of(objective, "small", "random-unraced", 0)] == [False, False, True]


def test_when_time_is_up_no_race_is_told(ground: Ground) -> None:
    objective = spend(ground, "random-unraced", 3)
    objective.until = float("-inf")
    with pytest.raises(Interrupted):
        next(races_of(objective, "small", "random-unraced", 0))


class Watched:
    """A ledger that remembers in which order trials are drawn and told."""

    def __init__(self, ledger: Ledger, events: list[str]) -> None:
        self._ledger, self._events = ledger, events

    def create(self) -> int:
        return self._ledger.create()

    def draw(self, number: int) -> Proposal:
        self._events.append("draw")
        return self._ledger.draw(number)

    def tell(self, number: int, score: float) -> None:
        self._events.append(f"tell {number}")
        self._ledger.tell(number, score)

    def prune(self, number: int, value: float, items: int) -> None:
        self._events.append(f"tell {number}")
        self._ledger.prune(number, value, items)

    def close(self) -> None:
        self._ledger.close()


def test_of_eight_workers_each_has_a_proposal_in_flight(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr(ours_module, "open_ledger", lambda *a, **k: Watched(open_ledger(*a, **k), events))
    objective = ENTRIES[f"auto@{WORKERS}"].objective(ground, 3)
    assert objective.budget == 3 * WHOLE
    with suppress(Spent):
        ENTRIES[f"auto@{WORKERS}"].search(objective, 0)
    told = len(objective.tried)
    assert told >= 3
    assert events[:8] == ["draw"] * 8
    assert events[8:] == [event for number in range(told) for event in (f"tell {number}", "draw")]


def test_a_proposal_that_means_no_recipe_fails_and_costs_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, refused = SearchSpace.decode, iter([False, True])

    def decoded(space: SearchSpace, params: Mapping[str, Any]) -> Recipe:
        if next(refused, False):
            raise RecipeError("no such merge")
        return decode(space, params)

    monkeypatch.setattr(SearchSpace, "decode", decoded)
    objective = spend(ground, "random-unraced", 3)
    assert (len(objective.tried), objective.spent) == (3, 3 * WHOLE)


def races(entry: str, seed: int, *told: tuple[int, float, float, int]) -> list[RaceRow]:
    """Of each race its items, the candidate's score, the incumbent's, and what the search had spent."""
    return [
        RaceRow("tiny", entry, seed, items, items < SIZE, score, best, trial, spent, again=False)
        for trial, (items, score, best, spent) in enumerate(told, 1)
    ]


PLAIN_ROWS = [
    *(Row("tiny", "gp-unraced", 0, items, score) for items, score in ((100, 0.50), (300, 0.60))),
    *(Row("tiny", "gp-unraced", 1, items, score) for items, score in ((100, 0.50), (200, 0.55))),
]
RACED_ROWS = [
    *(Row("tiny", "gp", 0, items, score) for items, score in ((100, 0.50), (220, 0.64), (360, 0.7))),
    *(Row("tiny", "gp", 1, items, score) for items, score in ((100, 0.50),)),
]
PLAIN = [
    *races("gp-unraced", 0, (25, 0.4, 0.5, 200), (100, 0.7, 0.5, 300)),
    *races("gp-unraced", 1, (25, 0.6, 0.5, 200), (25, 0.3, 0.5, 300)),
]
RACED = [
    *races("gp", 0, (20, 0.4, 0.5, 120), (100, 0.8, 0.5, 220), (40, 0.1, 0.8, 260)),
    *races("gp", 1, (40, 0.6, 0.5, 140), (40, 0.3, 0.5, 180)),
]


def test_items_are_saved_of_what_the_same_candidates_would_have_cost() -> None:
    """The first one, who raced against nobody, was asked everything."""
    run = runs_of(RACED, "gp")
    assert saved(run[0], SIZE) == pytest.approx(1 - 260 / 400)
    assert saved(run[1], SIZE) == pytest.approx(1 - 180 / 300)


def test_one_that_is_tried_again_saves_nothing_and_counts_once() -> None:
    again = replace(RACED[0], trial=4, again=True)
    run = runs_of([*RACED[:3], again], "gp")
    assert saved(run[0], SIZE) == pytest.approx(1 - 260 / 400)
    assert realised(run).raced == 3


def test_of_those_that_would_have_won_some_are_lost() -> None:
    error = realised(runs_of(RACED, "gp"))
    assert error == Error(raced=5, stopped=4, winners=2, lost=1)
    assert error.share is not None
    assert (error.share.mean, error.share.n) == (0.5, 2)
    assert Error(5, 5, 0, 0).share is None


def test_at_equal_trials_the_longer_search_is_cut() -> None:
    """To three trials: with racing 220 and 180 items, without 300."""
    found = curves([*PLAIN_ROWS, *RACED_ROWS], "tiny")
    sides = (found["gp"], runs_of(RACED, "gp"), found["gp-unraced"], runs_of(PLAIN, "gp-unraced"))
    difference = at_equal_trials(*sides)
    assert difference is not None
    assert difference.value == pytest.approx(((0.64 - 0.60) + (0.50 - 0.55)) / 2)
    assert at_equal_trials(*sides[:3], {}) is None


def test_the_report_has_a_table_of_racing_for_each_landscape(tmp_path: Path) -> None:
    write_rows(tmp_path / ROWS, [*PLAIN_ROWS, *RACED_ROWS])
    write_rows(tmp_path / RACES, [*PLAIN, *RACED])
    assert read_races(tmp_path / RACES) == [*PLAIN, *RACED]
    lines = write_report(tmp_path).splitlines()
    assert "### Racing on tiny" in lines
    (head,) = [line for line in lines if line.startswith("| entry | seeds | items saved")]
    assert head.endswith("| would have won | of these stopped, at most 5% |")
    (raced,) = [line for line in lines if line.startswith("| gp | 2 | 37.5")]
    assert " | 2.5 [-5.0, 10.0] | -0.5 [-5.0, 4.0] | 5 | 0 | 80.0 | 2 | 1: 50.0% [9.5, 90.5] |" in raced
    (plain,) = [line for line in lines if line.startswith("| gp-unraced, afterwards | 2 | ")]
    assert plain.endswith(" |  |  | 4 | 0 | 75.0 | 2 | 1: 50.0% [9.5, 90.5] |")


def test_rows_of_earlier_runs_are_read_and_what_they_do_not_say_is_not_made_up(tmp_path: Path) -> None:
    write_rows(tmp_path / ROWS, [*PLAIN_ROWS, *RACED_ROWS])
    fields = ("landscape", "entry", "seed", "items", "stopped", "score", "incumbent")
    earlier = [{name: asdict(race)[name] for name in fields} for race in RACED]
    (tmp_path / RACES).write_text("".join(json.dumps(each) + "\n" for each in earlier))
    (line,) = [each for each in write_report(tmp_path).splitlines() if each.startswith("| gp | 2 | 37.5")]
    assert " | 2.5 [-5.0, 10.0] |  | 5 | ? | 80.0 | 2 | " in line


def test_races_of_a_search_that_left_no_rows_are_not_counted(tmp_path: Path) -> None:
    write_rows(tmp_path / ROWS, PLAIN_ROWS)
    write_rows(tmp_path / RACES, RACED)
    assert "Racing" not in write_report(tmp_path)
