"""Where a search begins: every expert weighed alike, timidly and boldly, and each of them once in the lead.

A sampler that starts blind in dozens of dimensions spends its first trials on lopsided merges. These are what
a person would try first, and whatever they are worth, the sampler then knows.
"""

from __future__ import annotations

from typing import Any

from merging.methods.registry import METHODS
from search.proposals.space import SearchSpace

TIMID, BOLD, LEADING = 0.1, 0.3, 0.5
"""Weights, as shares of the way along their range."""


def starting_points(space: SearchSpace) -> list[dict[str, Any]]:
    """Parameters of the first trials, per method; [] if nothing is to choose.

    Of methods that weigh task vectors, two and one per expert; of those that only compare weights, one per
    expert and an even one; of those without weights, the middle of every range.
    """
    experts = space.expert_names
    points = []
    for method in map(METHODS.__getitem__, space.spec.methods):
        if "weight" not in method.parameters:
            points.append(space.point(method.name, {}))
            continue
        if method.on_task_vectors:
            scaled = "lambda" in method.parameters
            shares = (TIMID, BOLD) if scaled else (TIMID,)
            points += [space.point(method.name, dict.fromkeys(experts, share)) for share in shares]
        points += [
            space.point(method.name, dict.fromkeys(experts, TIMID) | {lead: LEADING}) for lead in experts
        ]
    return [point for i, point in enumerate(points) if point and point not in points[:i]]
