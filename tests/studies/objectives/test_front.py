"""The Pareto front against brute force, and a few of it that stand for all."""

from __future__ import annotations

import itertools
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.objectives.front import Point, dominates, foremost, front, hypervolume, oriented, spread

SIDE = 4


def points(dimensions: int, most: int = 12) -> st.SearchStrategy[list[Point]]:
    return st.lists(st.tuples(*[st.integers(0, SIDE)] * dimensions), max_size=most)


ANY = st.integers(1, 4).flatmap(points)


@given(ANY)
def test_on_the_front_is_whom_nobody_beats(found: list[Point]) -> None:
    expected = []
    for i, own in enumerate(found):
        beaten = False
        for other in found:
            no_worse = all(other[k] >= own[k] for k in range(len(own)))
            beaten = beaten or (no_worse and any(other[k] > own[k] for k in range(len(own))))
        if not beaten:
            expected.append(i)
    assert front(found) == expected


@given(ANY)
def test_everybody_else_is_beaten_by_somebody_on_it(found: list[Point]) -> None:
    best = front(found)
    assert bool(best) == bool(found)
    for i in set(range(len(found))) - set(best):
        assert any(dominates(found[j], found[i]) for j in best)


@given(ANY)
def test_the_hypervolume_is_the_count_of_cells_that_are_dominated(found: list[Point]) -> None:
    dimensions = len(found[0]) if found else 2
    cells = sum(
        any(all(x > cell for x, cell in zip(each, corner, strict=True)) for each in found)
        for corner in product(range(SIDE), repeat=dimensions)
    )
    assert hypervolume(found, (0,) * dimensions) == cells


def test_the_hypervolume_is_optunas() -> None:
    import numpy as np
    from optuna._hypervolume import compute_hypervolume

    draw = random.Random(0)
    for dimensions in (2, 3, 4):
        found = [tuple(draw.random() for _ in range(dimensions)) for _ in range(15)]
        theirs = compute_hypervolume(-np.array(found), np.zeros(dimensions))
        assert hypervolume(found, (0.0,) * dimensions) == pytest.approx(theirs)


def test_what_is_to_be_minimized_is_turned_round() -> None:
    assert oriented((0.5, 12.0), ("maximize", "minimize")) == (0.5, -12.0)
    assert oriented(0.5, ("maximize",)) == (0.5,)


@given(points(2), st.integers(1, 6))
def test_a_spread_is_of_as_many_different_points_as_there_are(found: list[Point], count: int) -> None:
    best = [found[i] for i in front(found)]
    chosen = spread(best, count)
    assert len(chosen) == len(set(chosen)) == min(count, len(best))
    different = len({best[i] for i in chosen})
    assert different == min(count, len(set(best))), "a point that is there twice comes last"


@given(points(3), st.integers(1, 3))
def test_a_spread_dominates_nearly_what_the_best_choice_would(found: list[Point], count: int) -> None:
    best = [found[i] for i in front(found)]
    if not best:
        return
    lows, highs = ([pick(column) for column in zip(*best, strict=True)] for pick in (min, max))
    scaled = [
        tuple(0.1 + ((x - a) / (b - a) if b > a else 1.0) for x, a, b in zip(each, lows, highs, strict=True))
        for each in best
    ]

    def volume(places: tuple[int, ...]) -> float:
        return hypervolume([scaled[i] for i in places], (0.0, 0.0, 0.0))

    optimum = max(map(volume, itertools.combinations(range(len(best)), min(count, len(best)))))
    assert volume(tuple(spread(best, count))) >= (1 - 1 / 2.718) * optimum


def test_the_first_is_the_best_compromise_and_the_extremes_follow() -> None:
    line = [(0.0, 10.0), (1.0, 9.0), (6.0, 7.0), (8.0, 3.0), (9.0, 0.0)]
    assert spread(line, 1) == [2]
    assert spread(line, 3) == [2, 3, 1]
    assert set(spread(line, 5)) == {0, 1, 2, 3, 4}


def test_units_do_not_matter() -> None:
    draw = random.Random(2)
    line = [(x, -x * x) for x in (draw.random() for _ in range(9))]
    assert spread(line, 4) == spread([(1000 * a, b / 7) for a, b in line], 4)


def test_of_one_objective_the_best_are_those_of_the_highest_value_the_earlier_first() -> None:
    assert foremost([(0.5,), (0.7,), (0.5,), (0.1,)], 3) == [1, 0, 2]
    assert foremost([], 3) == []


def test_of_several_no_more_than_the_front_is_taken() -> None:
    found = [(1.0, 1.0), (2.0, 0.0), (0.0, 2.0), (0.5, 0.5), (0.0, 0.0)]
    assert set(foremost(found, 5)) == {0, 1, 2}
    assert foremost(found, 1) == [0]
