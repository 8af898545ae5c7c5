"""A gradient: numbers of a few layers, and straight lines between; each layer has its own in the recipe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import SpecError
from search.proposals.spaces.gradients import along, hat, knots
from search.proposals.starting_points import starting_points
from tests.search.proposals.test_space import ATTENTION, MLP, NORM, space


@pytest.mark.parametrize(
    ("count", "layers", "at"),
    [(2, 4, (0, 3)), (4, 4, (0, 1, 2, 3)), (4, 32, (0, 10, 21, 31)), (3, 8, (0, 4, 7))],
)
def test_numbers_are_spread_from_the_first_layer_to_the_last(
    count: int, layers: int, at: tuple[int, ...]
) -> None:
    assert knots(count, layers) == at


def test_more_numbers_than_layers_are_refused() -> None:
    with pytest.raises(SpecError, match="gradient: 5 numbers over a model with 4 layers; ask for at most 4"):
        space(4, gradient=5, layer_groups="each").distributions  # noqa: B018


def test_layers_lie_on_straight_lines() -> None:
    assert [along((0.0, 1.0, 0.5), (0, 4, 6), layer) for layer in range(7)] == [
        0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5,
    ]  # fmt: skip


@given(st.integers(2, 8), st.integers(8, 40))
def test_at_every_layer_the_numbers_count_one_together(count: int, layers: int) -> None:
    at = knots(count, layers)
    for layer in range(layers):
        assert sum(hat(knot, at, layer) for knot in range(count)) == pytest.approx(1)
    assert len(set(at)) == count


def test_a_sampler_sees_the_layers_that_have_numbers() -> None:
    some = space(7, gradient=3, layer_groups="each")
    names = set(some.distributions)
    assert len(names) == (3 * 2 + 1) * 2 * 2
    assert {"weight.layer0.mlp.a", "density.layer3.self_attn.b", "weight.layer6.mlp.b"} <= names


def test_each_layer_gets_its_own_number_and_norms_the_mean() -> None:
    some = space(5, gradient=2, layer_groups="each")
    params = {name: 0.5 for name in some.distributions}
    params |= {"weight.layer0.mlp.a": 0.0, "weight.layer4.mlp.a": 1.0, "weight.outer.b": 0.125}
    recipe = some.decode(params)
    assert [recipe.parameters_for(MLP.format(i), i).weight[0] for i in range(5)] == [0, 0.25, 0.5, 0.75, 1]
    assert recipe.parameters_for(ATTENTION.format(1), 1).weight == (0.5, 0.5)
    assert recipe.parameters_for(NORM.format(4), 4).weight == (0.75, 0.5)
    assert recipe.parameters_for("lm_head.weight", None).weight == (0.5, 0.125)


def test_a_gradient_with_a_number_of_every_layer_is_a_space_of_layers() -> None:
    lines, layers = space(4, gradient=4, layer_groups="each"), space(4, layer_groups="each")
    assert list(lines.distributions) == list(layers.distributions)
    params = {name: 0.1 + i / 100 for i, name in enumerate(layers.distributions)}
    assert lines.decode(params).digest == layers.decode(params).digest


@given(st.data())
def test_every_layer_stays_within_the_range(data: st.DataObject) -> None:
    some = space(6, gradient=3, layer_groups="each", weight=(-0.25, 0.8), density=(0.2, 0.6))
    params = {
        name: data.draw(st.floats(bounds.low, bounds.high))  # type: ignore[attr-defined]
        for name, bounds in some.distributions.items()
    }
    for group in some.decode(params).layers:
        for rule in group.rules:
            assert all(-0.25 <= number <= 0.8 for number in rule.parameters.weight)
            assert all(0.2 <= number <= 0.6 for number in rule.parameters.density)


def test_other_parameters_follow_lines_too_and_experts_may_be_called_anything() -> None:
    some = space(3, methods=("breadcrumbs",), gradient=2, layer_groups="each", gamma=(0.0, 0.05))
    params = {name: 0.5 for name in some.distributions}
    params |= {"gamma.layer0.mlp.a": 0.01, "gamma.layer2.mlp.a": 0.03}
    assert dict(some.decode(params).parameters_for(MLP.format(1), 1).more)["gamma"] == (0.02, 0.05)


def test_a_search_starts_with_the_same_merges_as_without_a_gradient() -> None:
    lines, whole = space(4, gradient=2, layer_groups="each"), space(4, layer_groups=1)
    starts = [[some.decode(point).digest for point in starting_points(some)] for some in (lines, whole)]
    assert starts[0] == starts[1]
