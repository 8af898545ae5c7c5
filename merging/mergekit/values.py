"""A value of mergekit's YAML as what a parameter takes, at one place along a slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from merging.errors import RecipeError
from merging.recipe.rules import Setting
from merging.shown import shown

Kind = Literal["float", "int", "bool", "word"]
_FLAGS: Mapping[Any, bool] = {
    **dict.fromkeys((True, "true", "yes", "on", "1", "t", "y"), True),  # 1 is True here, and 0 False
    **dict.fromkeys((False, "false", "no", "off", "0", "f", "n"), False),
}


def value_at(setting: Any, t: float, label: str, kind: Kind) -> Setting:
    """A setting at `t` in [0, 1] along its slice: of a list, numbers are interpolated, others chosen.

    Raises:
        RecipeError: it is of another kind; `label` is named.
    """
    if not isinstance(setting, list):
        return _value(setting, label, kind)
    if not setting:
        raise RecipeError(
            f"{label}: an empty list; give {'values' if kind in ('bool', 'word') else 'numbers'}"
        )
    place = t * (len(setting) - 1)
    i = int(place)
    if kind in ("bool", "word"):
        return _value(setting[i], label, kind)
    low, high = _number(setting[i], label), _number(setting[min(i + 1, len(setting) - 1)], label)
    return _value((1 - (place - i)) * low + (place - i) * high, label, kind)


def _value(value: Any, label: str, kind: Kind) -> Setting:
    if kind == "word":
        if not isinstance(value, str):
            raise RecipeError(f"{label}: expected a word, found {shown(value)}")
        return value
    if kind == "bool":
        return _flag(value, label)
    number = _number(value, label)
    if kind == "float":
        return number
    if not number.is_integer():
        raise RecipeError(f"{label}: expected a whole number, found {shown(value)}")
    return int(number)


def _flag(value: Any, label: str) -> bool:
    if isinstance(value, bool | int | float | str):
        word = value.lower() if isinstance(value, str) else value
        if word in _FLAGS:
            return _FLAGS[word]
    raise RecipeError(f"{label}: expected true or false, found {shown(value)}")


def _number(value: Any, label: str) -> float:
    try:
        return float(value)  # YAML reads 1e-3 as a text
    except (TypeError, ValueError, OverflowError):  # the last, of a number with hundreds of digits
        raise RecipeError(f"{label}: expected a number, found {shown(value)}") from None
