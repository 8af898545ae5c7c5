"""mergekit's parameter settings (levels, filters, gradients) as rules of which the first match wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merging.dialect_parse import Slice, check_keys, need
from merging.errors import RecipeError
from merging.methods import Method
from merging.recipe import Parameters, Rule

_PARAMETERS = ("weight", "density", "lambda", "normalize", "rescale")
_IGNORED = ("int8_mask",)  # changes the type of mergekit's masks, no number
_ABSENT = object()


@dataclass(frozen=True)
class Column:
    """One parameter of one expert, or of all: (filter, setting) pairs; the first that matches wins."""

    label: str
    conditions: tuple[tuple[str | None, Any], ...]

    def hit(self, name: str) -> int:
        return next(i for i, (part, _) in enumerate(self.conditions) if part is None or part in name)


def columns_of(method: Method, piece: Slice, experts: Sequence[str], top: Mapping[str, Any]) -> list[Column]:
    """Weights of the experts, their densities, lambda, normalize, rescale, as `_parameters` reads them."""
    own = {source.model: source.parameters for source in piece.sources}
    for settings in (*own.values(), piece.parameters, top):
        check_keys(settings, (*_PARAMETERS, *_IGNORED), "parameters")
    defaults = {"lambda": 1.0, "normalize": method.normalize, "rescale": method.rescale}
    return [
        *(_column("weight", (own[model], piece.parameters, top), _ABSENT, model) for model in experts),
        *(_column("density", (own[model], piece.parameters, top), 1.0, model) for model in experts),
        *(_column(name, (piece.parameters, top), default) for name, default in defaults.items()),
    ]


def _column(name: str, levels: Sequence[Mapping[str, Any]], default: Any, model: str = "") -> Column:
    """Levels from source to top; one whose filters match nothing leaves the tensor to the next."""
    settings = [
        condition for level in levels if name in level for condition in _conditions(level[name], name)
    ]
    return Column(f"{name} of {model}" if model else name, (*settings, (None, default)))


def _conditions(setting: Any, name: str) -> Iterator[tuple[str | None, Any]]:
    entries = (
        setting if isinstance(setting, list) and any(isinstance(e, dict) for e in setting) else [setting]
    )
    for entry in entries:
        if not isinstance(entry, dict):
            yield None, entry
            continue
        check_keys(entry, ("filter", "value"), f"parameters.{name}")
        part = entry.get("filter")
        yield None if part in (None, "*") else str(part), need(entry, "value", f"parameters.{name}")


def rules_of(columns: Sequence[Column], names: Sequence[str], t: float, experts: int) -> tuple[Rule, ...]:
    """Rules that give each of these tensors the first match of every column.

    In the lexicographic order of their first matches: an earlier rule that also matched a tensor would hold
    an earlier match in some column.
    """
    hits = {tuple(column.hit(name) for column in columns): name for name in names}
    rules = []
    for hit, name in sorted(hits.items()):
        found = [column.conditions[i] for column, i in zip(columns, hit, strict=True)]
        match = tuple(dict.fromkeys(part for part, _ in found if part is not None))
        rules.append(Rule(match, _parameters(columns, found, t, experts, name)))
    return (*rules[:-1], Rule((), rules[-1].parameters))


def _parameters(
    columns: Sequence[Column], found: Sequence[tuple[str | None, Any]], t: float, experts: int, name: str
) -> Parameters:
    for column, (_, setting) in zip(columns, found, strict=True):
        if setting is _ABSENT:
            raise RecipeError(f"{column.label}: missing for {name}; give one without a filter")
    numbers = [_at(setting, t, column.label) for column, (_, setting) in zip(columns, found, strict=True)]
    weight, density = numbers[:experts], numbers[experts : 2 * experts]
    lambda_, normalize, rescale = numbers[2 * experts :]
    return Parameters(tuple(weight), tuple(density), lambda_, bool(normalize), bool(rescale))


def _at(setting: Any, t: float, label: str) -> float:
    """A setting at `t` in [0, 1] along its slice: numbers of a list are interpolated, flags of one chosen."""
    if not isinstance(setting, list):
        return _number(setting, label)
    if not setting:
        raise RecipeError(f"{label}: an empty list; give numbers")
    values = [_number(entry, label) for entry in setting]
    place = t * (len(values) - 1)
    i = int(place)
    if any(isinstance(entry, bool) for entry in setting):
        return values[i]
    return (1 - (place - i)) * values[i] + (place - i) * values[min(i + 1, len(values) - 1)]


def _number(value: Any, label: str) -> float:
    try:
        return float(value)  # YAML reads 1e-3 as a text
    except (TypeError, ValueError):
        raise RecipeError(f"{label}: expected a number, found {value!r}") from None
