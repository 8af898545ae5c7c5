"""Layer groups: runs of consecutive layers that have numbers in common, and their names."""

from __future__ import annotations

import itertools

from search.errors import SpecError

Group = tuple[int, int]
"""The first layer, and the one behind the last."""


def cut(n_layers: int, count: int) -> tuple[Group, ...]:
    """The layers in `count` groups, as equal in length as can be; raises SpecError for more than layers."""
    if count > n_layers:
        raise SpecError(
            f"search_space.layer_groups: {count} groups of a model with {n_layers} layers;"
            f" ask for at most {n_layers}, or `each`"
        )
    edges = [round(i * n_layers / count) for i in range(count + 1)]
    return tuple(itertools.pairwise(edges))


def label(group: Group) -> str:
    """How parameters call a group: `layers0-7`, or `layer3` for a single layer."""
    start, stop = group
    return f"layers{start}-{stop - 1}" if stop - start > 1 else f"layer{start}"
