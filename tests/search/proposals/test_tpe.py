"""TPE over arrays, and every sampler at our desk, against Optuna's own: the same numbers to the last bit.

These tests hold what is private of Optuna and used here, too: its `_truncnorm`, whose arithmetic is asked for
masses, and what its samplers ask of a storage. If a newer Optuna draws otherwise, they say so.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights

from benchmarks.plain import PlainLedger
from search.proposals import normal, tpe
from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SamplerSpec

SAMPLERS = ("tpe", "nsga2", "random")
PARAMETERS = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)


def make_space(floats: int, *, choices: bool) -> dict[str, BaseDistribution]:
    space: dict[str, BaseDistribution] = {
        f"x{i}": FloatDistribution(-0.5 * i, 1.0 + i) for i in range(floats)
    }
    words = CategoricalDistribution(("ties", "linear", "slerp"))
    return {"method": words, **space, "z": CategoricalDistribution((True, False))} if choices else space


def scattered(space: Mapping[str, BaseDistribution], count: int, random: np.random.RandomState) -> tpe.Array:
    """Trials of which many lie close together, some side by side, and some on the edges."""
    columns = []
    for each in space.values():
        if isinstance(each, CategoricalDistribution):
            columns.append(random.randint(len(each.choices), size=count).astype(float))
        else:
            assert isinstance(each, FloatDistribution)
            wide, narrow = random.rand(count), 0.3 + 0.01 * random.randn(count)
            where = np.clip(np.where(random.rand(count) < 0.5, wide, narrow), 0, 1)
            columns.append(each.low + (each.high - each.low) * where)
    return np.column_stack(columns)


def as_optuna_proposes(good: tpe.Array, bad: tpe.Array, space: dict[str, Any], seed: int) -> list[float]:
    """What `TPESampler._sample` does with its Parzen estimators."""
    better, worse = (
        _ParzenEstimator({name: rows[:, i] for i, name in enumerate(space)}, space, PARAMETERS)
        for rows in (good, bad)
    )
    candidates = better.sample(np.random.RandomState(seed), 24)
    best = np.argmax(better.log_pdf(candidates) - worse.log_pdf(candidates))
    return [candidates[name][best] for name in space]


@pytest.mark.parametrize("count", [5, 24, 80, 300])
@pytest.mark.parametrize(("floats", "choices"), [(1, False), (4, True), (30, True), (192, False), (0, True)])
def test_proposes_what_optuna_proposes_from_the_same_trials(count: int, floats: int, choices: bool) -> None:
    random = np.random.RandomState(count + floats)
    space = make_space(floats, choices=choices)
    for seed in range(4):
        rows, scores = scattered(space, count, random), random.randint(5, size=count).astype(float)
        if seed == 1:
            rows[: count // 2] = rows[0]  # tried again and again
        if seed == 2:
            rows[::3] = [getattr(each, "low", 0) for each in space.values()]
            rows[1::3] = [getattr(each, "high", 1) for each in space.values()]
        good, bad = tpe.good_and_bad(scores)
        proposed = tpe.propose(rows[good], rows[bad], [*space.values()], np.random.RandomState(seed))
        assert proposed.tolist() == as_optuna_proposes(rows[good], rows[bad], space, seed)


def test_the_best_tenth_is_good_and_of_equals_the_earlier() -> None:
    scores = np.array([1.0, 3.0, 3.0, 0.0, 3.0, 2.0] + 5 * [0.0])
    good, bad = tpe.good_and_bad(scores)
    assert good.tolist() == [1, 2]
    assert bad.tolist() == [0, 3, 4, 5, 6, 7, 8, 9, 10]
    assert len(tpe.good_and_bad(np.arange(400.0))[0]) == 25, "and never more than 25"


@pytest.mark.parametrize("count", [7, 1999, 2000, 5000])
def test_the_truncated_normal_is_optunas_to_the_last_bit(count: int) -> None:
    random = np.random.RandomState(count)
    a, b = -(10 ** random.uniform(-3, 2.3, count)), 10 ** random.uniform(-3, 2.3, count)
    q = random.rand(count)
    q[:3] = 1e-300, 1 - 2**-53, 2**-53
    for case in (
        (q, a, b),
        (q, np.where(q < 0.3, 0.0, a), b),
        (np.where(q < 0.2, 0.0, q), a, b),
        (q, a, a / 2),
    ):
        with np.errstate(all="ignore"):  # where a share rounds to 0 or 1, both divide by nothing
            ours, optunas = normal.truncated(*case), _truncnorm.ppf(*case)
            masses = normal.log_mass(*case[1:]), _truncnorm._log_gauss_mass(*case[1:])
        assert np.array_equal(ours, optunas, equal_nan=True)
        assert np.array_equal(*masses, equal_nan=True)


def open_at(path: Path, sampler: str, space: Mapping[str, BaseDistribution]) -> Ledger:
    return open_ledger("s", f"sqlite:///{path}", SamplerSpec(name=sampler, seed=3), space, [])


def run(book: Ledger, count: int) -> None:
    for _ in range(count):
        number = book.create()
        params = book.draw(number).params
        if number % 7 == 3:
            book.fail(number)
        else:
            book.tell(number, -sum(abs(v - 0.3) for v in params.values() if type(v) is float))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("count", [3, 12, 60])
def test_a_ledger_with_other_workers_trials_draws_as_optuna(tmp_path: Path, sampler: str, count: int) -> None:
    """Four are being measured elsewhere, one of them not drawn yet: TPE keeps away from the others."""
    space = make_space(5, choices=True)
    with closing(open_at(tmp_path / "ours.db", sampler, space)) as book:
        run(book, count - 4) if count > 4 else None
        for _ in range(3):
            book.draw(book.create())
        book.create()
        run(book, 4)
        number = book.create()
    shutil.copy(tmp_path / "ours.db", tmp_path / "plain.db")
    plain_url = f"sqlite:///{tmp_path / 'plain.db'}"
    with closing(PlainLedger.open("s", plain_url, SamplerSpec(name=sampler, seed=3), space)) as plain:
        drawn = plain.draw(number)
    with closing(open_at(tmp_path / "ours.db", sampler, space)) as book:
        assert book.draw(number) == drawn


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_that_are_not_of_this_space_go_to_optunas_own_samplers(tmp_path: Path, sampler: str) -> None:
    """Someone asked Optuna for trials of another range behind our back, and cut one short."""
    space = make_space(3, choices=True)
    with closing(open_at(tmp_path / "ours.db", sampler, space)) as book:
        run(book, 8)
    spec = SamplerSpec(name=sampler, seed=3)
    url = f"sqlite:///{tmp_path / 'ours.db'}"
    wider = {**space, "x0": FloatDistribution(0.0, 3.0), "more": FloatDistribution(0.0, 1.0)}
    with closing(PlainLedger.open("s", url, spec, wider)) as other:
        for value in (0.5, 0.25):
            other.tell(other.propose().number, value)
    with closing(open_at(tmp_path / "ours.db", sampler, space)) as book:
        number = book.create()
    shutil.copy(tmp_path / "ours.db", tmp_path / "plain.db")
    with closing(PlainLedger.open("s", f"sqlite:///{tmp_path / 'plain.db'}", spec, space)) as plain:
        drawn = plain.draw(number)
    with closing(open_at(tmp_path / "ours.db", sampler, space)) as book:
        assert book.draw(number) == drawn


def test_a_space_whose_choices_changed_is_refused(tmp_path: Path) -> None:
    space = make_space(2, choices=True)
    with closing(open_at(tmp_path / "s.db", "tpe", space)) as book:
        run(book, 2)
    changed = {**space, "method": CategoricalDistribution(("ties", "linear"))}
    with closing(open_at(tmp_path / "s.db", "tpe", changed)) as book:
        number = book.create()
        with pytest.raises(ValueError, match="does not support dynamic value space"):
            book.draw(number)
