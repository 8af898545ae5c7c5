"""The comparisons that a selection rests on, made once and at one level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from studies.selection.contenders import Contender, above, above_on, to_gain
from studies.verdicts.paired import Difference, simultaneous_level


@dataclass(frozen=True)
class Wishes:
    """What a person says, beside what the evidence says; names are those of contenders."""

    target: str | None = None
    sources: tuple[str, ...] | None = None
    sources_per_slice: int = 1
    """How many of those that beat the target on a slice teach it there."""

    @property
    def some(self) -> bool:
        """Whether the evidence is not alone in deciding."""
        return self.target is not None or self.sources is not None


@dataclass(frozen=True)
class Comparison:
    """Who may become the target and who may teach it, each with the intervals that tell.

    All intervals hold together at 95% (Bonferroni over every comparison: each possible target with the best
    one, and each possible teacher with the target on each slice).
    """

    contenders: tuple[Contender, ...]
    wishes: Wishes

    @cached_property
    def named(self) -> Mapping[str, Contender]:
        """Every contender, by name."""
        return {each.name: each for each in self.contenders}

    @cached_property
    def teachers(self) -> tuple[Contender, ...]:
        """Who may teach: the named, else everyone."""
        names = self.wishes.sources
        return self.contenders if names is None else tuple(self.named[name] for name in names)

    @cached_property
    def unasked(self) -> tuple[Contender, ...]:
        """Who may become the target without being named; whoever is named as a source may not."""
        taken = self.wishes.sources or ()
        return tuple(each for each in self.contenders if each.may_be_target and each.name not in taken)

    @cached_property
    def targets(self) -> tuple[Contender, ...]:
        """These, and the one that is named."""
        named = [each for each in self.contenders if each.name == self.wishes.target]
        return (*self.unasked, *(each for each in named if each not in self.unasked))

    @cached_property
    def slices(self) -> tuple[str, ...]:
        """The slices that all were asked, in their order."""
        return tuple(self.contenders[0].verdicts)

    @cached_property
    def level(self) -> float:
        """Of each interval."""
        teaching = len(self.teachers) - (self.wishes.sources is None)  # nobody teaches itself
        return simultaneous_level(max(1, len(self.targets) - 1 + teaching * len(self.slices)))

    @cached_property
    def best(self) -> Contender:
        """The best possible target; of equals the first by name."""
        return min(self.targets, key=lambda each: (-each.mean, each.name))

    @cached_property
    def vs_best(self) -> Mapping[str, Difference]:
        """By name, how much each other possible target is above the best one."""
        others = (each for each in self.targets if each is not self.best)
        return {each.name: above(each, self.best, self.level) for each in others}

    def holds_up(self, target: Contender) -> bool:
        """Whether a possible target is not significantly worse than the best."""
        return target is self.best or self.vs_best[target.name].high >= 0

    @cached_property
    def gains(self) -> Mapping[str, float]:
        """By name, the share of items that each fails and the strongest teacher of their slice solves."""
        return {each.name: to_gain(each, self.teachers) for each in self.contenders}

    @cached_property
    def ruled(self) -> Contender | None:
        """Whom the rule makes the target: among those that hold up, the one with most to gain."""
        eligible = [each for each in self.unasked if self.holds_up(each)]
        return min(eligible, key=lambda e: (-self.gains[e.name], -e.mean, e.name), default=None)

    @cached_property
    def target(self) -> Contender:
        """Whom the person names, else whom the rule does."""
        chosen = self.ruled if self.wishes.target is None else self.named[self.wishes.target]
        assert chosen is not None, "nobody may become the target"
        return chosen

    @cached_property
    def edges(self) -> Mapping[str, Mapping[str, Difference]]:
        """By name, then by slice, how much each possible teacher is above the target."""
        return {
            each.name: {name: above_on(name, each, self.target, self.level) for name in self.slices}
            for each in self.teachers
            if each is not self.target
        }

    def beaten_on(self, teacher: str) -> tuple[str, ...]:
        """The slices on which a teacher is significantly better than the target."""
        return tuple(name for name, edge in self.edges[teacher].items() if edge.low > 0)

    @cached_property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """By name, the slices on which each source teaches: all that it beats the target on where a person
        names the sources, else those on which it is among the strongest that do."""
        if self.wishes.sources is not None:
            return {name: self.beaten_on(name) for name in self.wishes.sources}
        found: dict[str, tuple[str, ...]] = {}
        for slice_ in self.slices:
            for name in self._strongest(slice_)[: self.wishes.sources_per_slice]:
                found[name] = (*found.get(name, ()), slice_)
        return found

    def _strongest(self, slice_: str) -> list[str]:
        beating = [name for name in self.edges if slice_ in self.beaten_on(name)]
        return sorted(beating, key=lambda name: (-self.edges[name][slice_].mean, name))
