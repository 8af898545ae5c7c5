"""Layer paths: which expert gives which layers, in which some are repeated or left out.

A path runs through the layer groups in their order. Each group has as many places as it may come copies;
each place names the expert that gives the group's layers there, or nobody. Every choice is a path: what goes
beyond the budget of layers loses its last repetitions, and one that would have no layer takes the first
group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.errors import SpecError
from search.proposals.spaces.sites import Group, label
from search.study_file.search_space import LayersSpec

NOBODY = "-"
"""Stands for a place that is left out; no model can be called that."""
SOURCE = "source"


@dataclass(frozen=True)
class Stretch:
    """A layer group on a path, and the expert (by its place in the study) that gives it."""

    group: Group
    copy: int
    expert: int

    @property
    def length(self) -> int:
        """How many layers it has."""
        return self.group[1] - self.group[0]


@dataclass(frozen=True)
class Paths:
    """All paths through a model's layer groups within a budget of layers."""

    spec: LayersSpec
    groups: tuple[Group, ...]
    experts: tuple[str, ...]

    def __post_init__(self) -> None:
        depth = self.groups[-1][1]
        if self.spec.budget < depth:
            raise SpecError(
                f"search_space.layers.budget: {self.spec.budget} layers, but the path through the models'"
                f" own has {depth}; give at least {depth} (`skip: true` makes paths shorter)"
            )

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """Of each place by its name, in the order of the path, who may give it; a single one is no choice."""
        return {
            name_of(group, copy): self._givers(copy)
            for group in self.groups
            for copy in range(1, self.spec.copies + 1)
        }

    def read(self, params: Mapping[str, Any]) -> tuple[Stretch, ...]:
        """The path that these choices mean; what they leave out is the first that there is."""
        path = []
        for group in self.groups:
            for copy in range(1, self.spec.copies + 1):
                giver = params.get(name_of(group, copy), self._givers(copy)[0])
                if giver != NOBODY:
                    path.append(Stretch(group, copy, self.experts.index(giver)))
        return self._within_budget(path) or (Stretch(self.groups[0], 1, 0),)

    def write(self, givers: Mapping[tuple[Group, int], str]) -> dict[str, str]:
        """The choices of the path that has these experts at these places, and nobody elsewhere."""
        return {
            name_of(group, copy): givers.get((group, copy), NOBODY)
            for group in self.groups
            for copy in range(1, self.spec.copies + 1)
        }

    def _givers(self, copy: int) -> tuple[str, ...]:
        if copy > 1:
            return (NOBODY, *self.experts)
        return (*self.experts, NOBODY) if self.spec.skip else self.experts

    def _within_budget(self, path: Sequence[Stretch]) -> tuple[Stretch, ...]:
        kept, length = list(path), sum(each.length for each in path)
        for place in reversed(range(len(path))):
            if length > self.spec.budget and path[place].copy > 1:
                length -= path[place].length
                del kept[place]
        return tuple(kept)


def name_of(group: Group, copy: int) -> str:
    """What samplers call a place: `source.layers0-7.1`."""
    return f"{SOURCE}.{label(group)}.{copy}"
