"""A search space as a unit cube, and the few coarse coordinates among its many numbers.

A parameter that every site of the model has (`weight.layers0-1.mlp.math`) is one coarse coordinate of all of
them (`weight` of `math`): their mean. What belongs to no site is a coarse coordinate itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

Array = NDArray[np.float64]

_OF_LAYERS = re.compile(r"layers?\d+(-\d+)?\.")
_OUTER = "outer"


@dataclass(frozen=True, eq=False)
class Coordinates:
    """What the numbers of a space mean to a sampler that measures distances; in the order of the space."""

    low: Array
    high: Array
    choices: NDArray[np.int64]
    """How many there are of a category; 0 for a number."""
    group: NDArray[np.int64]
    """To which coarse coordinate a number belongs; -1 for a category."""

    @classmethod
    def of(cls, distributions: Mapping[str, BaseDistribution]) -> Coordinates:
        """Those of a space of choices and ranges."""
        low, high, choices, group = [], [], [], []
        known: dict[str, int] = {}
        coarse = coarse_names(distributions)
        for name, each in distributions.items():
            if isinstance(each, CategoricalDistribution):
                low.append(0.0)
                high.append(1.0)
                choices.append(len(each.choices))
                group.append(-1)
            else:
                assert isinstance(each, FloatDistribution)
                low.append(each.low)
                high.append(each.high)
                choices.append(0)
                group.append(known.setdefault(coarse[name], len(known)))
        whole = np.int64
        return cls(np.array(low), np.array(high), np.array(choices, whole), np.array(group, whole))

    @cached_property
    def categories(self) -> NDArray[np.bool_]:
        """Which parameters are choices."""
        return self.choices > 0

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Places of those that are numbers."""
        return np.flatnonzero(self.choices == 0)

    @cached_property
    def coarse_count(self) -> int:
        """How many coarse coordinates there are; 1 if none."""
        return int(self.group.max(initial=0)) + 1

    @cached_property
    def residual_count(self) -> int:
        """In how many directions sites may differ from their mean; 1 if in none."""
        return max(1, len(self.numbers) - self.coarse_count)

    @cached_property
    def averaging(self) -> Array:
        """[parameters, coarse]: what makes means of numbers."""
        each = np.zeros((len(self.group), self.coarse_count))
        each[self.numbers, self.group[self.numbers]] = 1.0
        shares: Array = each / np.maximum(each.sum(axis=0), 1.0)
        return shares

    def to_unit(self, rows: Array) -> Array:
        """Rows of Optuna's numbers in the unit cube; of categories their index stays."""
        unit: Array = (rows - self.low) / (self.high - self.low)
        return unit

    def from_unit(self, unit: Array) -> Array:
        """Back again, on no account beyond the range."""
        rows: Array = np.clip(self.low + unit * (self.high - self.low), self.low, self.high)
        return np.where(self.categories, unit, rows)

    def coarse(self, unit: Array) -> Array:
        """[points, coarse] coordinates."""
        mean: Array = unit @ self.averaging
        return mean

    def spread_out(self, slopes: Array) -> Array:
        """Slopes by coarse coordinates, as slopes by each parameter: [points, parameters]."""
        out: Array = slopes @ self.averaging.T
        return out

    def residual(self, unit: Array) -> Array:
        """[points, parameters]: by how much each number differs from its coarse coordinate."""
        rest = np.where(self.categories, 0.0, unit - self.coarse(unit)[:, self.group])
        return rest

    def seen(self, unit: Array) -> Seen:
        """Points as distances need them."""
        return Seen(self.coarse(unit), self.residual(unit), unit[:, self.categories])

    def distances(self, left: Seen, right: Seen) -> tuple[Array, Array, Array]:
        """Squared distances over coarse coordinates and over residuals, and how many choices differ.

        [left, right] each.
        """
        other = np.zeros((len(left.coarse), len(right.coarse)))
        for one, another in zip(left.choices.T, right.choices.T, strict=True):
            other += one[:, None] != another[None, :]
        coarse = _squared(left.coarse, right.coarse, left.coarse_norms, right.coarse_norms)
        residual = _squared(left.residual, right.residual, left.residual_norms, right.residual_norms)
        return coarse, residual, other


@dataclass(frozen=True, eq=False)
class Seen:
    """Points by their coarse coordinates, their residuals and their choices, [points, ...] each."""

    coarse: Array
    residual: Array
    choices: Array

    @cached_property
    def coarse_norms(self) -> Array:
        """Squared lengths, [points]: of many trials they are asked for again and again."""
        norms: Array = np.einsum("ij,ij->i", self.coarse, self.coarse)
        return norms

    @cached_property
    def residual_norms(self) -> Array:
        """Squared lengths of the residuals, [points]."""
        norms: Array = np.einsum("ij,ij->i", self.residual, self.residual)
        return norms

    def __add__(self, other: Seen) -> Seen:
        """These points, and the others behind them."""
        return Seen(
            np.vstack([self.coarse, other.coarse]),
            np.vstack([self.residual, other.residual]),
            np.vstack([self.choices, other.choices]),
        )


def coarse_names(names: Iterable[str]) -> dict[str, str]:
    """Each parameter's name without its site: of `weight.layers0-1.mlp.math`, it is `weight.math`.

    Experts' and modules' names may have dots in them; what follows `outer` is an expert's.
    """
    names, experts = tuple(names), set[tuple[str, str]]()
    for name in names:
        kind, _, rest = name.partition(".")
        if rest.split(".")[0] == _OUTER:
            experts.add((kind, rest[len(_OUTER) :]))
    found = {}
    for name in names:
        kind, _, rest = name.partition(".")
        sited = rest.split(".")[0] == _OUTER or _OF_LAYERS.match(rest)
        ends = [expert for of, expert in experts if of == kind and rest.endswith(expert)] if sited else []
        found[name] = kind + max(ends, key=len) if ends else name
    return found


def _squared(left: Array, right: Array, of_left: Array, of_right: Array) -> Array:
    distances = left @ right.T
    distances *= -2.0
    distances += of_left[:, None]
    distances += of_right
    return np.maximum(distances, 0.0, out=distances)
