"""Who may become the target of a fusion, and who may teach it: with the answers that may select."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from studies.store.rows import CandidateKind
from studies.verdicts.holdout import mean_accuracy
from studies.verdicts.paired import Difference, Verdicts, paired_difference

TARGETS: tuple[CandidateKind, ...] = ("uniform", "trial", "model", "fused")
"""Kinds that become a target unasked: merges, and models as they are. An expert only teaches."""


@dataclass(frozen=True)
class Contender:
    """A model with all that a selection may know of it."""

    name: str
    study: str | None
    """Whose candidate it is; None for a model of no study."""
    kind: CandidateKind
    digest: str
    verdicts: Verdicts
    """Of the holdout items that select, and of no others: what judges afterwards must not be in here."""
    parameters: int
    seconds_per_token: float | None = None
    coverage: Mapping[str, float | None] = field(default_factory=dict)
    """By the other's name: the share of characters that both tokenizers span alike; None: not known."""

    @cached_property
    def mean(self) -> float:
        """The unweighted mean over slices of its accuracy."""
        return mean_accuracy(self.verdicts)

    @property
    def may_be_target(self) -> bool:
        """Whether it becomes a target without being named."""
        return self.kind in TARGETS

    def share(self, slice_: str) -> float:
        """Its accuracy on one slice."""
        items = self.verdicts[slice_]
        return sum(items.values()) / len(items)


def solved_where_failed(failing: Contender, solving: Contender) -> dict[str, int]:
    """Per slice, how many items the first answers wrongly and the second rightly."""
    return {
        name: sum(not right and solving.verdicts[name][item] for item, right in items.items())
        for name, items in failing.verdicts.items()
    }


def strongest(slice_: str, teachers: Sequence[Contender]) -> Contender:
    """Who is best on a slice; of equals, who is best on all, then by name."""
    return min(teachers, key=lambda each: (-each.share(slice_), -each.mean, each.name))


def to_gain(target: Contender, teachers: Sequence[Contender]) -> float:
    """The share of items that the target fails and the strongest teacher of their slice solves.

    Unweighted mean over slices; 0 where nobody teaches. The strongest by accuracy, not whoever solves most of
    what the target fails: of many teachers, one always does so by luck.
    """
    others = [each for each in teachers if each.digest != target.digest]
    if not others:
        return 0.0
    shares = [
        solved_where_failed(target, strongest(name, others))[name] / len(items)
        for name, items in target.verdicts.items()
    ]
    return sum(shares) / len(shares)


def above(a: Contender, b: Contender, level: float) -> Difference:
    """How much `a` is above `b` over all slices."""
    return paired_difference(a.verdicts, b.verdicts, level)


def above_on(slice_: str, a: Contender, b: Contender, level: float) -> Difference:
    """How much `a` is above `b` on one slice."""
    return paired_difference({slice_: a.verdicts[slice_]}, {slice_: b.verdicts[slice_]}, level)
