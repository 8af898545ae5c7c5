"""Proposals are what they were before a proposal was one transaction: numbers recorded with that version.

`pinned/proposals.json` was made by the version that committed each parameter alone; so were the databases in
`pinned/half_drawn_*.sql`, of processes that were killed after three of eight parameters.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SamplerSpec

SAMPLERS = ("tpe", "nsga2", "random")
"""Those that Optuna draws for; its CMA-ES kept pickles in the database, so ours draws other numbers."""
HERE = Path(__file__).parent / "pinned"
PINNED: dict[str, list[dict[str, Any]]] = json.loads((HERE / "proposals.json").read_text())
FLOATS: dict[str, BaseDistribution] = {
    **{f"weight.layer{i}.{e}": FloatDistribution(0.0, 1.0 + i) for i in range(3) for e in "ab"},
    "lambda.outer": FloatDistribution(-0.5, 1.5),
}
WORTH = {"ties": 0.2, "linear": 0.1, "slerp": 0.0}
MIXED: dict[str, BaseDistribution] = {**FLOATS, "method": CategoricalDistribution([*WORTH])}
FAILED = (2, 9)
EXACT = 1e-9


def starting_points(space: dict[str, BaseDistribution]) -> list[dict[str, Any]]:
    points = []
    for k in range(6):
        point: dict[str, Any] = {}
        for name, each in space.items():
            if isinstance(each, FloatDistribution):
                point[name] = each.low + (each.high - each.low) * (k + 1) / 10
            else:
                point[name] = [*WORTH][k % 3]
        points.append(point)
    return points


def objective(params: dict[str, Any]) -> float:
    squares = sum((v - 0.3) ** 2 for v in params.values() if isinstance(v, float))
    return -squares + WORTH.get(params.get("method", ""), 0)


def ledger(url: str, sampler: str, space: dict[str, BaseDistribution]) -> Ledger:
    return open_ledger("s", url, SamplerSpec(name=sampler, seed=7), space, starting_points(space))


def proposals(book: Ledger, count: int) -> list[dict[str, Any]]:
    """Go on until `count` trials are finished; the parameters of those that this took."""
    seen = []
    while book.standing().finished < count:
        number = (book.standing().running or [book.create()])[0]
        seen.append(dict(book.draw(number).params))
        if number in FAILED:
            book.fail(number)
        else:
            book.tell(number, objective(seen[-1]))
    return seen


def check(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert [params.get("method") for params in found] == [params.get("method") for params in wanted]
    numbers = [[params[name] for params in each for name in FLOATS] for each in (found, wanted)]
    # The last bit of a logarithm is each machine's own: where they were recorded, nothing differs at all.
    assert numbers[0] == pytest.approx(numbers[1], rel=EXACT, abs=EXACT)


@pytest.mark.parametrize("kind", ["mixed", "floats"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_those_of_the_version_before(url: str, sampler: str, kind: str) -> None:
    wanted = PINNED[f"{sampler} {kind}"]
    with closing(ledger(url, sampler, MIXED if kind == "mixed" else FLOATS)) as book:
        check(proposals(book, len(wanted)), wanted)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_store_with_a_half_drawn_trial_goes_on_as_it_would_have(tmp_path: Path, sampler: str) -> None:
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript((HERE / f"half_drawn_{sampler}.sql").read_text())
    connection.close()
    with closing(ledger(f"sqlite:///{tmp_path / 'old.db'}", sampler, MIXED)) as book:
        begun = book.standing().begun
        assert book.standing().running == (begun - 1,)
        wanted = PINNED[f"{sampler} half drawn"]
        check(proposals(book, begun - 1 + len(wanted)), wanted)


def test_a_store_of_optunas_cma_es_goes_on_without_its_pickles(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript((HERE / "half_drawn_cmaes.sql").read_text())
    pickles = "SELECT count(*) FROM trial_system_attributes WHERE key LIKE 'cma:%'"
    ((before,),) = connection.execute(pickles)
    with closing(ledger(f"sqlite:///{tmp_path / 'old.db'}", "cmaes", MIXED)) as book:
        begun = book.standing().begun
        found = proposals(book, begun + 8)
    ((after,),) = connection.execute(pickles)
    connection.close()
    assert len(found) == 9, "the one that was half drawn, and eight more"
    assert after == before > 0
