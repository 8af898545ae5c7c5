"""Reading plain data field by field, so that every mistake in a file is named with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from merging.errors import RecipeError
from merging.methods.registry import nearest
from merging.shown import shown

T = TypeVar("T")
_REQUIRED: Any = object()
_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class Fields:
    """The fields of one mapping in a file; `where` is the file and the path to them."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, Mapping):
            raise RecipeError(f"{where}: expected fields, found {type(data).__name__}")
        self._data, self._where = data, where
        self._known: list[str] = []

    def take(self, name: str, kind: type[T], default: Any = _REQUIRED) -> T:
        """The field as `kind`, or the default where it is absent; a whole number may stand for a float."""
        value = self._get(name, default)
        return value if value is default else _as(value, kind, f"{self._where}: {name}")

    def sequence(self, name: str, kind: type[T]) -> tuple[T, ...]:
        """The field's list, each entry as `kind`."""
        return tuple(_as(value, kind, f"{self._where}: {name}") for value in self._list(name))

    def places(self, name: str) -> tuple[int | None, ...]:
        """The field's list of whole numbers, some of them null."""
        where = f"{self._where}: {name}"
        return tuple(None if value is None else _as(value, int, where) for value in self._list(name))

    def has(self, name: str) -> bool:
        """Whether the field is there; it then counts as known."""
        self._known.append(name)
        return name in self._data

    def part(self, name: str) -> Fields:
        """The fields of a field."""
        return Fields(self._get(name), f"{self._where}: {name}")

    def parts(self, name: str) -> list[Fields]:
        """The fields of each entry of a field's list."""
        return [Fields(value, f"{self._where}: {name}[{i}]") for i, value in enumerate(self._list(name))]

    def done(self) -> None:
        """Refuse what was never asked for."""
        for name in self._data:
            if name not in self._known:
                hint = nearest(name, self._known) if isinstance(name, str) else ""
                raise RecipeError(
                    f"{self._where}: unknown field {shown(name)}{hint}; known here: {', '.join(self._known)}"
                )

    def _get(self, name: str, default: Any = _REQUIRED) -> Any:
        self._known.append(name)
        value = self._data.get(name, default)
        if value is _REQUIRED:
            raise RecipeError(f"{self._where}: field {name!r} is missing")
        return value

    def _list(self, name: str) -> list[Any]:
        value = self._get(name)
        if not isinstance(value, list):
            raise RecipeError(f"{self._where}: {name}: expected a list, found {type(value).__name__}")
        return value


def _as(value: Any, kind: type[T], where: str) -> T:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number:
        try:
            return float(value)  # type: ignore[return-value]
        except OverflowError:
            raise RecipeError(f"{where}: expected a number up to 3.4e38, found {shown(value)}") from None
    if isinstance(value, kind) and (number or kind is not int):
        return value
    raise RecipeError(f"{where}: expected {_NAMES.get(kind, kind.__name__)}, found {shown(value)}")
