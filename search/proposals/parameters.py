"""Numbers of a sampler, made into parameters that mean a merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from merging.methods.registry import Method
from merging.recipe import Parameters
from merging.recipe.rules import Setting

FIGURES = 4
"""Significant figures kept of what is no share of a whole: a step of 0.0001 has to survive."""
_ROOM = 0.99
"""How much of the room between a density and 0 or 1 DELLA's epsilon may take; it may not fill it."""


def between(value: float, low: float, high: float) -> float:
    """The number in four significant figures, not beyond its range."""
    return min(max(_short(value), low), high)


def mean(parameters: Sequence[Parameters], digits: int) -> Parameters:
    """What lies in the middle of these, which differ in their numbers alone."""

    def over(columns: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
        return tuple(round(sum(column) / len(column), digits) for column in zip(*columns, strict=True))

    first = parameters[0]
    return Parameters(
        weight=over([p.weight for p in parameters]),
        density=over([p.density for p in parameters]),
        lambda_=over([(p.lambda_,) for p in parameters])[0],
        normalize=first.normalize,
        rescale=first.rescale,
        more=tuple((name, _middle([dict(p.more)[name] for p in parameters])) for name, _ in first.more),
    )


def fitted(method: Method, parameters: Parameters) -> Parameters:
    """Parameters whose gamma and epsilon leave room for each expert's density.

    A sampler chooses them apart. DELLA's probabilities are density ± epsilon, breadcrumbs' outliers are among
    the elements that density leaves out; so the smaller share gives way.
    """
    changed: dict[str, Setting] = {}
    for name in ("gamma", "epsilon"):
        default = method.defaults.get(name)
        if default is None:
            continue
        given = parameters.get(name, (float(default),) * len(parameters.density))
        assert isinstance(given, tuple), f"{name} is per expert"
        fit = tuple(
            value if density >= 1 else min(value, _room(name, density))
            for value, density in zip(given, parameters.density, strict=True)
        )
        if fit != given:
            changed[name] = fit
    if not changed:
        return parameters
    return replace(parameters, more=tuple(sorted({**dict(parameters.more), **changed}.items())))


def _room(name: str, density: float) -> float:
    return _short(1 - density) if name == "gamma" else _short(_ROOM * min(density, 1 - density))


def _short(value: float) -> float:
    return float(f"{value:.{FIGURES}g}")


def _middle(settings: Sequence[Setting]) -> Setting:
    """The mean of numbers, per expert where they are; flags and words are the same for all parts."""
    rows = [each for each in settings if isinstance(each, tuple)]
    if rows:
        return tuple(_short(sum(column) / len(rows)) for column in zip(*rows, strict=True))
    numbers = [each for each in settings if type(each) is float]
    return _short(sum(numbers) / len(numbers)) if numbers else settings[0]
