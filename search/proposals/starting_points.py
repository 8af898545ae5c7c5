"""Where a search begins: every expert weighed alike, weakly and strongly, and each of them once in the lead.

A sampler that starts blind in dozens of dimensions spends its first trials on lopsided merges. These are what
a person would try first, and whatever they are worth, the sampler then knows. Where the budget has room,
what is measured elsewhere under other names follows: the uniform merge, stronger ones, and single experts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from merging.methods.registry import METHODS, Method
from search.proposals.space import SearchSpace
from search.proposals.spaces.paths import Paths

TIMID, LEADING = 0.1, 0.5
"""Weights, as shares of the way along their range."""
EVEN, WEAK, STRONG = 1.0, 0.5, 1.5
"""Weights in the layers, as multiples of an even share of n experts, 1/n."""
FAINT = 0.05
"""The weight outside of the layers, which all read what is there and understand the base's best."""
STRENGTHS = (0.2, 0.5, 1.0)
"""Weights of all task vectors, as they are."""
FEW = 20
"""Of several methods the usual points are at most one in so many trials, or as many as a single one has."""
MOST, FURTHER = 5, 8
"""The further points are at most so many and, with the others, one in so many trials."""

Point = dict[str, Any]


def starting_points(space: SearchSpace, trials: int = 0) -> list[Point]:
    """Parameters of the first trials; [] if nothing is to choose. Methods take turns.

    Of methods that weigh task vectors, four and one per expert; of those that only compare weights, one per
    expert and an even one; of those without weights, the middle of every range. Of layer paths, each expert
    alone, then with its middle repeated. A study of so many `trials` has others behind them, up to a fifth.
    """
    if space.paths is not None:
        return _paths(space, space.paths)
    methods = [METHODS[name] for name in space.spec.methods]
    each = [_usual(space, method) for method in methods]
    usual = _distinct(_in_turns(each))[: max(len(methods), max(map(len, each)), trials // FEW)]
    further = _in_turns([_further(space, method) for method in methods])
    room = min(max(len(usual), trials // MOST), len(usual) + FURTHER)
    return _distinct((*usual, *further))[:room]


def _usual(space: SearchSpace, method: Method) -> list[Point]:
    experts = space.expert_names
    if "weight" not in method.parameters:
        return [space.point(method.name, {})]
    if not method.on_task_vectors:
        return [space.point(method.name, lead) for lead in _leads(experts, TIMID, LEADING)]
    share = 1 / len(experts)
    alike = [dict.fromkeys(experts, times * share) for times in (EVEN, WEAK, STRONG)]
    leads = _leads(experts, WEAK * share, STRONG * share)
    even, *others = (space.layered(method.name, weights, FAINT) for weights in (*alike, *leads))
    return [even, space.point(method.name, dict.fromkeys(experts, TIMID)), *others]


def _leads(experts: Sequence[str], other: float, lead: float) -> list[Mapping[str, float]]:
    return [dict.fromkeys(experts, other) | {name: lead} for name in experts]


def _further(space: SearchSpace, method: Method) -> list[Point]:
    """The uniform merge, stronger and weaker ones, and each expert alone, where the space has them."""
    if "weight" not in method.parameters:
        return []
    experts = space.expert_names
    even = (1 / len(experts), *STRENGTHS) if "lambda" in method.parameters else (1.0,)
    weights = [dict.fromkeys(experts, strength) for strength in even]
    weights += [dict.fromkeys(experts, 0.0) | {alone: 1.0} for alone in experts]
    points = (space.place(method.name, each) for each in weights)
    return [point for point in points if point is not None]


def _paths(space: SearchSpace, paths: Paths) -> list[Point]:
    """Each expert as it is, then with the group in its middle repeated, where that is within the budget."""
    plain = [{(group, 1): expert for group in paths.groups} for expert in paths.experts]
    middle = paths.groups[len(paths.groups) // 2]
    longer = paths.groups[-1][1] + middle[1] - middle[0]
    doubled = [{**path, (middle, 2): path[middle, 1]} for path in plain]
    if paths.spec.copies == 1 or longer > paths.spec.budget:
        doubled = []
    return _distinct(space.path(paths.write(each)) for each in (*plain, *doubled))


def _in_turns(points: Sequence[Sequence[Point]]) -> list[Point]:
    turns = itertools.zip_longest(*points)
    return [point for turn in turns for point in turn if point is not None]


def _distinct(points: Iterable[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if point and point not in kept:
            kept.append(point)
    return kept
