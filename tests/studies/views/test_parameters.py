"""What was drawn for trials, and which numbers tell the best of them from the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from studies.store import StudyStore
from studies.views.importance import LEAST_TRIALS, importances, shares
from studies.views.parameters import Drawn, Parameter, count_scored, drawn, experts_of, parse, read_range
from tests.studies.views.made import NAMES, make_study, tell_optuna

EXPERTS = ("math", "Qwen2.5-coder")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("weight.layers0-7.mlp.math", ("weight", "layers0-7", "mlp", "math")),
        ("density.layer3.all.Qwen2.5-coder", ("density", "layer3", "all", "Qwen2.5-coder")),
        ("weight.layers0-7.mlp.down_proj.math", ("weight", "layers0-7", "mlp.down_proj", "math")),
        ("weight.outer.math", ("weight", "outer", "all", "math")),
        ("lambda.layers8-15.self_attn", ("lambda", "layers8-15", "self_attn", "-")),
        ("t.outer", ("t", "outer", "all", "-")),
        ("method", ("method", "all", "all", "-")),
        ("source.layers0-7.1", ("source", "layers0-7", "all", "-")),
    ],
)
def test_a_name_says_kind_layers_module_and_expert(name: str, said: tuple[str, ...]) -> None:
    assert parse(name, EXPERTS) == Parameter(name, *said)


def test_a_range_is_read_and_a_choice_has_categories() -> None:
    floats = (
        '{"name": "FloatDistribution", "attributes": {"low": 0.5, "high": 2.0, "log": false, "step": null}}'
    )
    words = '{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "-"]}}'
    assert read_range(floats) == (0.5, 2.0, 0)
    assert read_range(words) == (0.0, 1.0, 3)


def test_what_was_drawn_is_read_as_shares_of_its_range(store: StudyStore, url: str) -> None:
    made = make_study(store)
    names = ("weight.layer0.all.maths", "Weight.layer1.all.maths", "a_b.outer")
    told: list[tuple[str, list[float], dict[str, float]]] = [
        ("COMPLETE", [0.25], dict(zip(names, (0.5, 1.0, 2.0), strict=True))),
        ("FAIL", [], dict(zip(names, (0.1, 0.1, 0.1), strict=True))),
        ("PRUNED", [0.75], dict(zip(reversed(names), (0.0, 1.5, 0.25), strict=True))),
        ("RUNNING", [], dict(zip(names, (0.1, 0.1, 0.1), strict=True))),
    ]
    tell_optuna(url, "made", told)
    found = drawn(store, made.id)
    assert found is not None
    assert found.numbers == (0, 2)
    rows = [dict(zip(found.names, row, strict=True)) for row in found.table.tolist()]
    assert rows[0] == {names[0]: 0.25, names[1]: 0.5, names[2]: 1.0}
    assert rows[1] == {names[0]: 0.125, names[1]: 0.75, names[2]: 0.0}
    assert found.values.tolist() == [[0.25], [0.75]]
    assert (found.choices, count_scored(store, "made")) == ((0, 0, 0), 2)


def test_what_is_to_be_minimized_is_turned_round(store: StudyStore, url: str) -> None:
    made = make_study(store, objective=["gsm8k", "tokens"])
    tell_optuna(url, "made", [("COMPLETE", [0.25, 80.0], {"x": 1.0})], ("maximize", "minimize"))
    found = drawn(store, made.id)
    assert found is not None
    assert found.values.tolist() == [[0.25, -80.0]]


def test_where_optuna_knows_nothing_there_is_nothing(store: StudyStore, url: str) -> None:
    made = make_study(store)
    assert (count_scored(store, "made"), drawn(store, made.id)) == (0, None)
    tell_optuna(url, "other", [("COMPLETE", [0.25], {"x": 1.0})])
    assert (count_scored(store, "made"), drawn(store, made.id)) == (0, None)
    tell_optuna(url, "made", [("FAIL", [], {"x": 1.0})])
    assert drawn(store, made.id) is None
    assert experts_of(store.identity(made.id)) == NAMES


def trials(n: int, worth: Any, numbers: int = 6, choices: int = 3) -> Drawn:
    """`n` trials of so many numbers and one choice; `worth` makes a value of a row of them."""
    random = np.random.default_rng(1)
    table = np.column_stack([random.random((n, numbers)), random.integers(0, choices, n)])
    values = np.array([[worth(row) + 0.1 * random.normal()] for row in table])
    names = (*(f"weight.layers{i}-{i}.mlp.math" for i in range(numbers)), "method")
    return Drawn(names, (*(0,) * numbers, choices), tuple(range(n)), table, values)


def test_what_decides_comes_first_and_the_rest_is_chance() -> None:
    found = importances(trials(300, lambda row: 3 * row[2] + row[4]), experts=("math",))
    assert found is not None
    assert (found.trials, found.best) == (300, 30)
    first, *rest = found.each
    assert first.parameter.name == "weight.layers2-2.mlp.math"
    assert first.share > 0.8
    assert all((each.share < 0.1 and not each.stands_out) or each.share < 0.2 for each in rest)
    assert sum(each.share for each in found.each) == pytest.approx(1)


def test_a_choice_that_decides_is_found_too() -> None:
    found = importances(trials(200, lambda row: 2.0 * (row[-1] == 1)))
    assert found is not None
    assert (found.each[0].parameter.kind, found.each[0].share) == ("method", 1.0)
    assert shares(found)["kind of number"] == {"method": 1.0, "weight": 0.0}


def test_where_nothing_decides_nothing_stands_out() -> None:
    """Of twenty studies without any effect at most three show one: the limit is meant to let pass one."""
    alarms = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        study = trials(100, lambda row: 0.0)
        found = importances(replace(study, values=random.normal(size=(100, 1))))
        assert found is not None
        alarms += any(each.stands_out for each in found.each)
    assert alarms <= 3


def test_a_few_trials_tell_nothing_and_the_same_trials_tell_the_same() -> None:
    assert importances(trials(LEAST_TRIALS - 1, lambda row: row[0])) is None
    study = trials(LEAST_TRIALS, lambda row: row[0])
    assert importances(study) == importances(study)


def test_it_ranks_as_optunas_ped_anova_does() -> None:
    optuna = pytest.importorskip("optuna")
    study = trials(300, lambda row: 3 * row[2] + 1.5 * row[4] + row[-1] / 10)
    ranges: dict[str, Any] = {
        name: optuna.distributions.CategoricalDistribution([0, 1, 2])
        if name == "method"
        else optuna.distributions.FloatDistribution(0, 1)
        for name in study.names
    }
    theirs = optuna.create_study(direction="maximize")
    for row, (value,) in zip(study.table.tolist(), study.values.tolist(), strict=True):
        params = {name: int(x) if name == "method" else x for name, x in zip(study.names, row, strict=True)}
        theirs.add_trial(optuna.trial.create_trial(value=value, params=params, distributions=ranges))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    ranked = list(optuna.importance.get_param_importances(theirs, evaluator=evaluator))
    found = importances(study, experts=("math",))
    assert found is not None
    standing = [each.parameter.name for each in found.each if each.stands_out]
    assert standing[:2] == ranked[:2] == ["weight.layers2-2.mlp.math", "weight.layers4-4.mlp.math"]


def test_shares_are_summed_by_layers_in_the_order_of_the_model() -> None:
    study = trials(200, lambda row: 3 * row[5] + 3 * row[1])
    names = tuple(
        f"weight.layers{8 * i}-{8 * i + 7}.{'mlp' if i % 2 else 'self_attn'}.math" for i in range(6)
    )
    found = importances(replace(study, names=(*names, "method")), experts=("math",))
    assert found is not None
    by = shares(found)
    assert list(by["layer group"]) == [f"layers{8 * i}-{8 * i + 7}" for i in range(6)] + ["all"]
    assert by["module"]["mlp"] == pytest.approx(1)
    parts, modules, cells = found.table()
    assert (parts[0], modules) == ("layers0-7", ["mlp", "self_attn", "all"])
    assert cells["layers8-15", "mlp"] == pytest.approx(by["layer group"]["layers8-15"])
