"""Where a search begins: every expert weighed alike, timidly and boldly, and each of them once in the lead.

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

TIMID, BOLD, LEADING = 0.1, 0.3, 0.5
"""Weights, as shares of the way along their range."""
STRENGTHS = (0.2, 0.5, 1.0)
"""Weights of all task vectors, as they are."""
MOST = 5
"""The further points, with the others, are at most one in so many trials."""

Point = dict[str, Any]


def starting_points(space: SearchSpace, trials: int = 0) -> list[Point]:
    """Parameters of the first trials; [] if nothing is to choose. Methods take turns.

    Of methods that weigh task vectors, two and one per expert; of those that only compare weights, one per
    expert and an even one; of those without weights, the middle of every range. Of layer paths, each expert
    alone, then with its middle repeated. A study of so many `trials` has others behind them, up to a fifth.
    """
    if space.paths is not None:
        return _paths(space, space.paths)
    methods = [METHODS[name] for name in space.spec.methods]
    usual = _distinct(_in_turns([_usual(space, method) for method in methods]))
    further = _in_turns([_further(space, method) for method in methods])
    room = max(len(usual), trials // MOST)
    return _distinct((*usual, *further))[:room]


def _usual(space: SearchSpace, method: Method) -> list[Point]:
    experts = space.expert_names
    if "weight" not in method.parameters:
        return [space.point(method.name, {})]
    points = []
    if method.on_task_vectors:
        shares = (TIMID, BOLD) if "lambda" in method.parameters else (TIMID,)
        points += [space.point(method.name, dict.fromkeys(experts, share)) for share in shares]
    leads: list[Mapping[str, float]] = [dict.fromkeys(experts, TIMID) | {lead: LEADING} for lead in experts]
    return points + [space.point(method.name, lead) for lead in leads]


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
