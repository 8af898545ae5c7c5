"""Gradients: numbers of a few layers, from the first to the last, with straight lines between them.

As in mergekit, but that each number is of a layer. A line between two never leaves their range.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from search.errors import SpecError


def knots(count: int, n_layers: int) -> tuple[int, ...]:
    """The layers that have numbers, as evenly spaced as can be; raises SpecError for more than there are."""
    if count > n_layers:
        raise SpecError(
            f"search_space.gradient: {count} numbers over a model with {n_layers} layers; ask for at most"
            f" {n_layers}, or leave it out for numbers of each layer"
        )
    return tuple(round(i * (n_layers - 1) / (count - 1)) for i in range(count))


def along(values: Sequence[float], at: Sequence[int], layer: int) -> float:
    """What lies at a layer on the lines through these values `at` these layers."""
    left = min(bisect_right(at, layer), len(at) - 1) - 1
    share = (layer - at[left]) / (at[left + 1] - at[left])
    return values[left] * (1 - share) + values[left + 1] * share


def hat(knot: int, at: Sequence[int], layer: int) -> float:
    """How much one of the values counts at a layer; at every layer, all of them together count 1."""
    return along([float(i == knot) for i in range(len(at))], at, layer)
