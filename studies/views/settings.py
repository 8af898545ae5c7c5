"""The numbers of a recipe as maps over its places and experts, and what is alike everywhere as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from merging.recipe import Parameters, Recipe
from merging.recipe.rules import Setting

EVERYBODY = "all experts"


@dataclass(frozen=True)
class HeatMap:
    """One parameter of a merge over its places and experts."""

    name: str
    """weight, density, coefficient, or another parameter of the method."""
    columns: tuple[str, ...]
    """The experts, or `all experts` for a number that they share."""
    values: tuple[tuple[float | None, ...], ...]
    """By place, by column; None where the expert takes no part."""

    @property
    def low(self) -> float:
        """The least value; 0 where there is none."""
        return min((value for row in self.values for value in row if value is not None), default=0.0)

    @property
    def high(self) -> float:
        """The greatest value; 0 where there is none."""
        return max((value for row in self.values for value in row if value is not None), default=0.0)


def maps_of(
    reads: Sequence[str],
    experts: tuple[str, ...],
    parameters: Sequence[Parameters],
    present: Sequence[Sequence[bool]],
) -> tuple[HeatMap, ...]:
    """A map for each number that the method reads of every expert, and for shared ones that vary by place."""
    found = []
    for name in reads:
        own = [_setting(each, name) for each in parameters]
        if any(isinstance(value, tuple) for value in own):
            rows = [
                tuple(
                    value if here else None
                    for value, here in zip(_each(setting, experts), takes, strict=True)
                )
                for setting, takes in zip(own, present, strict=True)
            ]
            found.append(HeatMap(name, experts, tuple(rows)))
        elif _varies(own) and all(type(value) in (int, float) for value in own):
            found.append(HeatMap(name, (EVERYBODY,), tuple((float(value),) for value in own)))  # type: ignore[arg-type]
    return tuple(found)


def shared_of(recipe: Recipe, parameters: Sequence[Parameters]) -> Mapping[str, str]:
    """What a method reads and is alike everywhere, and what is said of the whole merge."""
    said: dict[str, str] = {}
    for name in recipe.reads:
        own = [_setting(each, name) for each in parameters]
        given = own[0]
        if given is not None and not isinstance(given, tuple) and not _varies(own):
            said[name] = _told(given)
    said["dtype"] = recipe.dtype
    for name in ("compat", "arithmetic_dtype", "tokenizer_source", "config_source"):
        if (value := getattr(recipe, name)) is not None:
            said[name] = str(value)
    return said


def _setting(parameters: Parameters, name: str) -> Setting | None:
    """What a rule says of a parameter; None where it leaves that to the method."""
    own: dict[str, Setting] = {
        "weight": parameters.weight,
        "density": parameters.density,
        "lambda": parameters.lambda_,
        "normalize": parameters.normalize,
        "rescale": parameters.rescale,
    }
    return own[name] if name in own else dict(parameters.more).get(name)


def _each(setting: Setting | None, experts: Sequence[str]) -> tuple[float | None, ...]:
    return setting if isinstance(setting, tuple) else (None,) * len(experts)


def _varies(settings: Sequence[Setting | None]) -> bool:
    return any(value != settings[0] for value in settings)


def _told(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
