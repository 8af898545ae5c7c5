"""Models with known answers to a hundred items of each slice."""

from __future__ import annotations

from collections.abc import Iterable

from studies.selection.contenders import Contender
from studies.store.rows import CandidateKind

N = 100


def contender(
    name: str, kind: CandidateKind = "trial", parameters: int = 1000, **solved: Iterable[int]
) -> Contender:
    """A model that solves exactly these items of each slice."""
    verdicts = {slice_: {item: item in {*items} for item in range(N)} for slice_, items in solved.items()}
    return Contender(name, name.partition(": ")[0], kind, f"digest of {name}", verdicts, parameters, 0.01)


BEST = contender("a: trial 1", math=range(80), code=range(80))
"""The best possible target: 80% of both slices."""
CLOSE = contender("b: trial 2", math=range(78), code=range(78))
"""Fails four items more: two points less, which so few items don't prove."""
WEAK = contender("c: uniform", "uniform", math=range(40), code=range(40))
"""Significantly worse than both."""
CODER = contender("b: coder", "expert", math=range(90, 100), code=range(5, 100))
"""95% of code, among them all that the merges fail; 10% of math."""
