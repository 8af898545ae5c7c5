"""A recipe of another search space as a point of this one: each site has what the recipe does there.

Sites are compared by the tensors that they hold, so layer groups, modules and gradients may be others than
those that the recipe was drawn from; experts are told by content, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from merging.layout import layer_index, other_part
from merging.methods.registry import METHODS, PARAMETERS
from merging.recipe import Parameters, Recipe
from merging.recipe.rules import Setting
from search.proposals.space import OUTER, SearchSpace
from search.proposals.spaces.gradients import hat
from search.proposals.spaces.paths import Paths


def translate(recipe: Recipe, space: SearchSpace, names: Collection[str]) -> dict[str, Any] | None:
    """The point of the space that does nearest to what the recipe does; None where there is none.

    `names` are the base's tensors. A number outside its range becomes the range's end. Not in the space are
    other methods, other experts, flags and words that differ, and paths that its layer groups cannot take.
    """
    if recipe.method not in space.spec.methods or same_models(recipe, space) is not None:
        return None
    if recipe.stacked != (space.paths is not None):
        return None
    found = [ref.fingerprint for ref in recipe.experts]
    places = tuple(found.index(ref.fingerprint) for ref in space.experts)
    reading = Reading(recipe, space, places, tuple(names))
    point: dict[str, Any] = {"method": recipe.method, **reading.numbers()}
    if space.paths is not None:
        path = _path(recipe, reading.places, space.paths)
        if path is None:
            return None
        point |= path
    point = {name: point[name] for name in space.distributions}
    return point if _same_words(recipe, space.decode(point)) else None


def same_models(recipe: Recipe, space: SearchSpace) -> str | None:
    """What tells a recipe's models from the space's, by content; None if they are the same."""
    if recipe.base.fingerprint != space.base.fingerprint:
        return f"its base ({recipe.base.path}) is not this study's"
    here = {ref.fingerprint for ref in space.experts}
    for ref in recipe.experts:
        if ref.fingerprint not in here:
            return f"its expert {ref.path} is none of this study's"
    there = {ref.fingerprint for ref in recipe.experts}
    missing = [
        name
        for name, ref in zip(space.expert_names, space.experts, strict=True)
        if ref.fingerprint not in there
    ]
    return f"it lacks this study's expert {missing[0]!r}" if missing else None


@dataclass(frozen=True)
class Reading:
    """A recipe, and the space that is to say the same."""

    recipe: Recipe
    space: SearchSpace
    places: tuple[int, ...]
    """Of each expert of the space, its place in the recipe."""
    names: tuple[str, ...]

    def numbers(self) -> dict[str, float]:
        """Of each number of the space, what the recipe has there."""
        ranges, found = self.space.ranges, {}
        for site in self.space.sites:
            there = list(self._at(site))
            for name, whose in self.space.numbers:
                low, high = ranges[f"{name}.{site}{whose}"]
                value = _mean([(self._number(p, name, whose), share) for p, share in there], (low + high) / 2)
                found[f"{name}.{site}{whose}"] = min(max(value, low), high)
        return found

    def _at(self, site: str) -> Iterator[tuple[Parameters, float]]:
        """The parameters of each of the site's tensors, and how much they count."""
        for name in self.names:
            layer = layer_index(name)
            if layer is None:
                if site == OUTER and other_part(name) is None:
                    yield self.recipe.parameters_for(name, None), 1.0
            elif share := self._share(site, name, layer):
                for place in self._layers_from(layer):
                    yield self.recipe.parameters_for(name, place), share

    def _layers_from(self, layer: int) -> list[int]:
        """Where the recipe has a layer of the models'; nowhere if it leaves it out."""
        if not self.recipe.stacked:
            return [layer]
        inputs = range(1, len(self.recipe.experts) + 1)
        places = range(self.recipe.depth)
        return [at for at in places if any(self.recipe.origin(i, at) == layer for i in inputs)]

    def _share(self, site: str, name: str, layer: int) -> float:
        """How much a tensor of a layer says about a site; 0 if nothing."""
        modules, knots = self.space.spec.modules, self.space.knots
        module = next((each for each in modules if each in name), None) if modules else "all"
        if module is None:
            return 0.0
        for k, part in enumerate(self.space.parts):
            if site == f"{part}.{module}":
                if knots:
                    return hat(k, knots, layer)
                start, stop = self.space.groups[k]
                return float(start <= layer < stop)
        return 0.0

    def _number(self, parameters: Parameters, name: str, whose: str) -> float | None:
        """One of the numbers of a part; None where the recipe's method reads no such number."""
        if name not in METHODS[self.recipe.method].parameters:
            return None
        own: dict[str, Setting] = {"weight": parameters.weight, "density": parameters.density}
        own |= {"lambda": parameters.lambda_, **dict(parameters.more)}
        value = own.get(name, METHODS[self.recipe.method].defaults[name] or 0.0)
        if isinstance(value, tuple):
            value = value[self.places[self.space.expert_names.index(whose.removeprefix("."))]]
        return float(value)


def _mean(found: Sequence[tuple[float | None, float]], otherwise: float) -> float:
    known = [(value, share) for value, share in found if value is not None]
    if not known:
        return otherwise
    return sum(value * share for value, share in known) / sum(share for _, share in known)


def _path(recipe: Recipe, places: Sequence[int], paths: Paths) -> dict[str, str] | None:
    """The choices that make the recipe's path; None if none do."""
    whose = {place + 1: name for place, name in zip(places, paths.experts, strict=True)}
    taken = [
        next((origin, whose[i]) for i in whose if (origin := recipe.origin(i, layer)) is not None)
        for layer in range(recipe.depth)
    ]
    givers: dict[tuple[tuple[int, int], int], str] = {}
    for group in paths.groups:
        for copy, (_, name) in enumerate((each for each in taken if each[0] == group[0]), 1):
            givers[group, copy] = name
    if any(copy > paths.spec.copies for _, copy in givers):
        return None
    choices = paths.write(givers)
    if any(choices[name] not in allowed for name, allowed in paths.choices.items()):
        return None
    stretches = paths.read(choices)
    made = [(layer, paths.experts[each.expert]) for each in stretches for layer in range(*each.group)]
    return choices if made == taken else None


def _same_words(a: Recipe, b: Recipe) -> bool:
    """Whether two recipes of a method differ in numbers alone."""
    return _words(a) == _words(b)


def _words(recipe: Recipe) -> set[tuple[tuple[str, str], ...]]:
    method = METHODS[recipe.method]
    rules = [*recipe.outer, *(rule for group in recipe.layers for rule in group.rules)]
    found: set[tuple[tuple[str, str], ...]] = set()
    for parameters in (rule.parameters for rule in rules):
        flags = {"normalize": parameters.normalize, "rescale": parameters.rescale}
        kinds = {
            name: parameters.get(name, method.defaults[name] or False)
            for name in method.parameters
            if PARAMETERS[name].kind != "float" and name not in flags
        }
        found.add(
            tuple(
                sorted(
                    (name, str(value))
                    for name, value in {**flags, **kinds}.items()
                    if name in method.parameters
                )
            )
        )
    return found
