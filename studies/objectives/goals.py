"""What may be wanted of a candidate: goals as a study's file and its identity say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from studies.store.identity import JSON

Kind = Literal["accuracy", "gold_logprob", "worst_slice", "tokens"]
Direction = Literal["maximize", "minimize"]
WORDS: tuple[Kind, ...] = ("accuracy", "gold_logprob", "worst_slice", "tokens")
"""Goals that a word names; any other word in a list is a slice's name."""
MEANS: Mapping[str, Kind] = {"mean": "accuracy", "gold_logprob": "gold_logprob"}
"""By the key of a mapping that weighs slices: what is averaged."""


@dataclass(frozen=True)
class Goal:
    """One number that a search drives up, or down."""

    name: str
    """What columns call it; of a study's goals each has another."""
    kind: Kind
    """accuracy, gold_logprob: a mean over slices. worst_slice: the least, over slices, of the accuracy as a
    share of the best expert's. tokens: of a generated answer."""
    weights: tuple[tuple[str, float], ...] = ()
    """By slice, what it counts in a mean; empty: all count alike."""

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return "minimize" if self.kind == "tokens" else "maximize"

    def weighs(self, slices: Iterable[str]) -> dict[str, float]:
        """What each of the slices that it looks at counts."""
        return dict(self.weights) or dict.fromkeys(slices, 1.0)

    def judged(self) -> Goal:
        """The goal on holdout items, which are judged by accuracy whatever steers."""
        return Goal(self.name, "accuracy", self.weights) if self.kind == "gold_logprob" else self


Goals: TypeAlias = tuple[Goal, ...]
ACCURACY = Goal("accuracy", "accuracy")
GOLD = Goal("gold_logprob", "gold_logprob")


def read_goals(said: JSON) -> Goals:
    """The goals that an objective means, as a checked study file or a study's identity says it."""
    listed = said if isinstance(said, list | tuple) else (said,)
    return tuple(map(_goal, listed))


def goals_of(identity: Mapping[str, JSON]) -> Goals:
    """The goals of a study, by its identity: one that says nothing of them wants accuracy."""
    study = identity.get("study")
    return read_goals(study.get("objective", "accuracy")) if isinstance(study, Mapping) else (ACCURACY,)


def directions(goals: Goals) -> tuple[Direction, ...]:
    """Which way is better, by goal."""
    return tuple(goal.direction for goal in goals)


def gold_slices(goals: Goals, slices: Sequence[str]) -> set[str]:
    """The slices of which gold answers are scored, and no answer is asked for."""
    return {name for goal in goals if goal.kind == "gold_logprob" for name in goal.weighs(slices)}


def _goal(said: JSON) -> Goal:
    if isinstance(said, str):
        words: Mapping[str, Kind] = {word: word for word in WORDS}
        return Goal(said, words[said]) if said in words else Goal(said, "accuracy", ((said, 1.0),))
    assert isinstance(said, Mapping), f"{said!r} is no goal"
    ((how, weights),) = said.items()
    assert isinstance(weights, Mapping), f"{weights!r} weighs no slices"
    counts = tuple((name, weight) for name, weight in weights.items() if isinstance(weight, int | float))
    listed = ", ".join(f"{name} {weight:g}" for name, weight in counts)
    return Goal(f"{how}({listed})", MEANS[how], counts)
