"""What a parameter's row says of its distribution: short, Optuna's to read, and compared by what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)
from sqlalchemy import create_engine, text

from search.proposals.history import read_distribution, write_distribution
from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SamplerSpec

SPACE: dict[str, BaseDistribution] = {
    **{f"weight.layer{i}.{e}": FloatDistribution(-0.5, 1.0 + i) for i in range(3) for e in "ab"},
    "method": CategoricalDistribution(("ties", "linear")),
}
WIDE: dict[str, BaseDistribution] = {
    f"{kind}.layer{i}.{e}": FloatDistribution(0.1, 1.0)
    for kind in ("weight", "density")
    for i in range(32)
    for e in ("math", "code", "chat")
}
UPDATE = text(
    "UPDATE trial_params SET distribution_json = :new WHERE param_name = :name AND trial_id <= :last"
)
MOST_BYTES = 165
"""Of a parameter's row and its index: 500 trials of 192 numbers have 16 MB then, and 4 for all else."""


def open_at(url: str, sampler: str = "gp", space: dict[str, BaseDistribution] = SPACE) -> Ledger:
    return open_ledger("s", url, SamplerSpec.model_validate({"name": sampler, "seed": 2}), space, [])


def go_on(url: str, count: int, sampler: str = "gp") -> list[Mapping[str, Any]]:
    """So many trials more; what was proposed."""
    seen: list[Mapping[str, Any]] = []
    with closing(open_at(url, sampler)) as book:
        for _ in range(count):
            number = book.create()
            seen.append(book.draw(number).params)
            numbers = [each for each in seen[-1].values() if isinstance(each, float)]
            book.tell(number, -sum((each - 0.3) ** 2 for each in numbers))
    return seen


@contextmanager
def connected(url: str) -> Iterator[Any]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def write_as_optuna(url: str, trials: int) -> None:
    """The first rows as Optuna and earlier versions wrote them."""
    with connected(url) as connection:
        rows = [{"new": distribution_to_json(each), "name": n, "last": trials} for n, each in SPACE.items()]
        connection.execute(UPDATE, rows)


def texts(url: str) -> dict[str, set[str]]:
    """What stands in the table, by parameter."""
    found: dict[str, set[str]] = {}
    with connected(url) as connection:
        for name, written in connection.execute(
            text("SELECT param_name, distribution_json FROM trial_params")
        ):
            found.setdefault(name, set()).add(written)
    return found


# -- the text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "distribution",
    [
        FloatDistribution(0.0, 1.0),
        FloatDistribution(-0.1, 1 / 3),
        FloatDistribution(1e-5, 1e-1, log=True),
        FloatDistribution(0.0, 1.0, step=0.25),
        IntDistribution(0, 7),
        IntDistribution(1, 64, log=True),
        IntDistribution(0, 8, step=2),
        CategoricalDistribution(("ties", "dare_ties", "ö")),
        CategoricalDistribution((None, True, 3, 0.5)),
    ],
    ids=repr,
)
def test_optuna_reads_an_equal_distribution(distribution: BaseDistribution) -> None:
    written = write_distribution(distribution)
    assert json_to_distribution(written) == read_distribution(written) == distribution
    assert len(written) < len(distribution_to_json(distribution))


def test_the_dashboard_in_a_browser_finds_the_names_that_it_looks_for() -> None:
    """It reads the table itself: `name`, and `low`, `high` or `choices` among the `attributes`."""
    assert json.loads(write_distribution(FloatDistribution(0.0, 2.0))) == {
        "name": "FloatDistribution",
        "attributes": {"low": 0.0, "high": 2.0},
    }
    assert json.loads(write_distribution(CategoricalDistribution(("a", "b")))) == {
        "name": "CategoricalDistribution",
        "attributes": {"choices": ["a", "b"]},
    }


# -- the table ----------------------------------------------------------------------------------------------


def test_what_is_written_is_short_and_optunas_to_read(url: str) -> None:
    seen = go_on(url, 3)
    assert texts(url) == {name: {write_distribution(each)} for name, each in SPACE.items()}
    storage = optuna.storages.RDBStorage(url)
    trials = optuna.load_study(study_name="s", storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    assert [trial.params for trial in trials] == seen
    assert all(trial.distributions == SPACE for trial in trials)


def test_optuna_itself_may_add_a_trial_and_ours_learn_from_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    go_on(url, 2)
    study = optuna.load_study(study_name="s", storage=url)
    trial = study.ask(fixed_distributions=SPACE)
    study.tell(trial, 1.0)
    go_on(url, 2)
    with closing(open_at(url)) as book:
        book.history.refresh()
        assert book.history.uniform
        assert [len(each) for each in book.history.known()] == [5, 5, 5]


@pytest.mark.parametrize("sampler", ["gp", "cmaes", "tpe", "nsga2"])
def test_rows_of_both_kinds_teach_the_same(tmp_path: Path, sampler: str) -> None:
    undisturbed = go_on(f"sqlite:///{tmp_path / 'a.db'}", 20, sampler)
    url = f"sqlite:///{tmp_path / 'b.db'}"
    first = go_on(url, 12, sampler)
    write_as_optuna(url, 7)
    assert {len(each) for each in texts(url).values()} == {2}, "rows of both kinds"
    assert first + go_on(url, 8, sampler) == undisturbed


def test_a_study_goes_on_in_the_form_that_it_began_with(url: str) -> None:
    """So that a worker of the earlier version, which compares texts, learns from what this one adds."""
    go_on(url, 4)
    write_as_optuna(url, 4)
    go_on(url, 4)
    assert texts(url) == {name: {distribution_to_json(each)} for name, each in SPACE.items()}


def test_a_trial_of_another_range_is_of_another_space(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    go_on(url, 4)
    name = "weight.layer0.a"
    with connected(url) as connection:
        other = write_distribution(FloatDistribution(-0.5, 1.25))
        connection.execute(UPDATE, {"new": other, "name": name, "last": 1})
    with closing(open_at(url)) as book:
        book.history.refresh()
        assert not book.history.uniform
        assert book.history.known()[0] == [1, 2, 3]
        assert book.history.json[name] == write_distribution(SPACE[name])


@pytest.mark.parametrize(
    ("name", "other", "error"),
    [
        ("method", CategoricalDistribution(("ties", "slerp")), "does not support dynamic value space"),
        ("method", FloatDistribution(0.0, 1.0), "different distribution kind"),
        ("weight.layer0.a", FloatDistribution(0.1, 1.0, log=True), "different log configuration"),
    ],
)
def test_a_parameter_of_another_kind_is_refused(
    tmp_path: Path, name: str, other: BaseDistribution, error: str
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    go_on(url, 1)
    with connected(url) as connection:
        connection.execute(UPDATE, {"new": write_distribution(other), "name": name, "last": 1})
    with closing(open_at(url)) as book, pytest.raises(ValueError, match=error):
        book.history.refresh()


def test_a_parameter_takes_few_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    sizes = []
    for _ in range(2):
        with closing(open_at(f"sqlite:///{file}", "random", WIDE)) as book:
            for _ in range(30):
                book.draw(book.create())
        sizes.append(file.stat().st_size)
    assert (sizes[1] - sizes[0]) / (30 * len(WIDE)) <= MOST_BYTES
