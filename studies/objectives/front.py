"""The Pareto front: who is beaten by nobody in everything, and a few of them that stand for all."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from studies.objectives.goals import Direction

Point: TypeAlias = tuple[float, ...]
"""A candidate's values, turned so that larger is better in each."""
MARGIN = 0.1
"""How far beyond the front's worst values the reference point lies, as a share of their range."""


def oriented(values: float | Sequence[float], ways: Sequence[Direction]) -> Point:
    """The value, or each of several, with those negated that are to be minimized."""
    listed = (values,) if isinstance(values, int | float) else values
    return tuple(v if way == "maximize" else -v for v, way in zip(listed, ways, strict=True))


def foremost(points: Sequence[Point], count: int) -> list[int]:
    """Places of the best: by value, of equals the earlier; where there are several values, of the front."""
    if not points or len(points[0]) == 1:
        return sorted(range(len(points)), key=lambda i: (-points[i][0], i))[:count]
    best = front(points)
    return [best[i] for i in spread([points[i] for i in best], count)]


def dominates(a: Point, b: Point) -> bool:
    """Whether `a` is as good as `b` in everything and better in something."""
    return a != b and all(x >= y for x, y in zip(a, b, strict=True))


def front(points: Sequence[Point]) -> list[int]:
    """Places of the points that no other dominates, in their order; equal points stand side by side."""
    return [i for i, each in enumerate(points) if not any(dominates(other, each) for other in points)]


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The volume that the points dominate above the reference point, exactly, slice by slice.

    Takes time n ** (dimensions - 1) for n points of a front.
    """
    above = [each for each in set(points) if all(x > r for x, r in zip(each, reference, strict=True))]
    above = sorted((above[i] for i in front(above)), key=lambda each: each[::-1], reverse=True)
    if not above or len(reference) == 1:
        return above[0][0] - reference[0] if above else 0.0
    floors = [each[-1] for each in above[1:]] + [reference[-1]]
    return sum(
        (each[-1] - floor) * hypervolume([other[:-1] for other in above[: i + 1]], reference[:-1])
        for i, (each, floor) in enumerate(zip(above, floors, strict=True))
        if each[-1] > floor
    )


def spread(points: Sequence[Point], count: int) -> list[int]:
    """Places of at most `count` points of a front that together dominate the most, the first found first.

    Each is the one that adds most hypervolume to those before it, every value as a share of its range over
    the front: the first is the best compromise, and the best in one thing alone follow later. Of equals, and
    of points that are there twice, the earlier is taken. Greedy choices dominate at least 1 - 1/e of what the
    best choice would (Nemhauser, Wolsey & Fisher 1978).
    """
    scaled = _scaled(points)
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        gains = [_gain(each, [scaled[i] for i in chosen]) for each in scaled]
        left = [i for i in range(len(points)) if i not in chosen]
        chosen.append(max(left, key=lambda i: (gains[i], -i)))
    return chosen


def _scaled(points: Sequence[Point]) -> list[Point]:
    """Every value as a share of its range, from a little below the worst."""
    lows, highs = ([pick(column) for column in zip(*points, strict=True)] for pick in (min, max))
    return [
        tuple(
            MARGIN + ((x - low) / (high - low) if high > low else 1.0)
            for x, low, high in zip(point, lows, highs, strict=True)
        )
        for point in points
    ]


def _gain(point: Point, others: Sequence[Point]) -> float:
    """The hypervolume above 0 that a point adds to that of others."""
    shared = [tuple(map(min, point, other)) for other in others]
    return prod(point) - hypervolume(shared, (0.0,) * len(point))
