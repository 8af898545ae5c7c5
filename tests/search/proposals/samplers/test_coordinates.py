"""Few coarse coordinates stand for the many numbers of a space, whatever experts and modules are called."""

from __future__ import annotations

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search.proposals.samplers.coordinates import Coordinates, coarse_names


def test_what_every_site_has_is_one_coarse_coordinate() -> None:
    sites = ("layers0-1.mlp", "layer2.self_attn", "outer")
    names = [f"weight.{site}.{expert}" for site in sites for expert in ("math", "code")]
    assert [*coarse_names(names).values()] == 3 * ["weight.math", "weight.code"]


def test_names_with_dots_are_told_apart() -> None:
    sites, experts = ("layer0.self_attn.q_proj", "outer"), ("qwen2.5", "5")
    names = [f"weight.{site}.{expert}" for site in sites for expert in experts]
    assert [*coarse_names(names).values()] == 2 * ["weight.qwen2.5", "weight.5"]


def test_what_has_no_expert_has_its_sites_together() -> None:
    names = ("lambda.layer0.mlp", "lambda.layer1.mlp", "lambda.outer", "t.layer0.all")
    assert [*coarse_names(names).values()] == ["lambda", "lambda", "lambda", "t.layer0.all"]


def test_what_belongs_to_no_site_stands_for_itself() -> None:
    assert coarse_names(("x0", "weight.curve1.math", "method")) == {
        "x0": "x0",
        "weight.curve1.math": "weight.curve1.math",
        "method": "method",
    }


def test_points_fall_into_mean_and_rest() -> None:
    space = {
        "method": CategoricalDistribution(("ties", "linear")),
        "weight.layer0.mlp.a": FloatDistribution(-1.0, 1.0),
        "weight.outer.a": FloatDistribution(-1.0, 1.0),
        "x": FloatDistribution(0.0, 4.0),
    }
    place = Coordinates.of(space)
    rows = np.array([[1.0, -1.0, 0.0, 3.0], [0.0, 1.0, 1.0, 0.0]])
    unit = place.to_unit(rows)
    assert unit.tolist() == [[1.0, 0.0, 0.5, 0.75], [0.0, 1.0, 1.0, 0.0]]
    assert place.from_unit(unit).tolist() == rows.tolist()
    assert place.coarse(unit).tolist() == [[0.25, 0.75], [1.0, 0.0]]
    assert place.residual(unit).tolist() == [[0.0, -0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0]]
    coarse, residual, other = place.distances(place.seen(unit[:1]), place.seen(unit[1:]))
    assert np.allclose([coarse[0, 0], residual[0, 0], other[0, 0]], [0.75**2 + 0.75**2, 0.125, 1.0])
