"""Heat maps as tables: every cell a number, and a class by which the style sheet gives it a colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.views.merge import MergeView, Place
from studies.views.settings import HeatMap

STEPS = 8
"""Shades from nothing to the most, in either direction."""


@dataclass(frozen=True)
class Cell:
    """A number as it is written, and the class of its colour."""

    text: str
    shade: str


@dataclass(frozen=True)
class Line:
    """One place, and how many lines from here on are of the same layers; 0 where an earlier one says it."""

    label: str
    module: str
    origins: tuple[str, ...]
    span: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A heat map to be written down."""

    title: str
    note: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    modules: bool
    """Whether any place is a module's alone."""
    scale: tuple[Cell, ...]
    """What colours mean, from the least to the most."""


def heat_table(
    title: str,
    note: str,
    places: Sequence[Place],
    found: HeatMap,
    beside: Sequence[HeatMap] = (),
    signed: bool = False,
) -> Table:
    """A map with its scale, which is one for it and all that stand beside it.

    A signed one has two colours, which meet at 0.
    """
    ends = [end for each in (found, *beside) for end in (each.low, each.high)]
    signed, most = signed or min(ends) < 0, max(map(abs, ends)) or 1.0
    cells = [tuple(cell(value, most, signed) for value in row) for row in found.values]
    return Table(
        title=title,
        note=note,
        columns=found.columns,
        lines=_lines(places, cells),
        modules=any(place.module != "all" for place in places),
        scale=scale_of(most, signed),
    )


def cell(value: float | None, most: float, signed: bool) -> Cell:
    """A number in two decimals, with the shade of its share of the most."""
    if value is None:
        return Cell("–", "none")
    step = min(STEPS, round(STEPS * abs(value) / most)) if most else 0
    written = f"{value:+.2f}" if signed else f"{value:.2f}"
    way = "below" if value < 0 else "above"
    shade = f"{way}{step}" if step and round(value, 2) else "zero"
    return Cell(written.replace("-", "−").replace("−0.00", "0.00").replace("+0.00", "0.00"), shade)


def scale_of(most: float, signed: bool) -> tuple[Cell, ...]:
    """Five steps of the scale."""
    shares = (-1.0, -0.5, 0.0, 0.5, 1.0) if signed else (0.0, 0.25, 0.5, 0.75, 1.0)
    return tuple(cell(most * share, most, signed) for share in shares)


def _lines(places: Sequence[Place], cells: Sequence[tuple[Cell, ...]]) -> tuple[Line, ...]:
    found = []
    for i, (place, row) in enumerate(zip(places, cells, strict=True)):
        first = i == 0 or _layers(places[i - 1]) != _layers(place)
        span = (
            next((j for j in range(i, len(places)) if _layers(places[j]) != _layers(place)), len(places)) - i
        )
        found.append(Line(place.label, place.module, place.origins, span if first else 0, row))
    return tuple(found)


def _layers(place: Place) -> tuple[str, int | None]:
    return place.label, place.start


def farthest(view: MergeView) -> str | None:
    """Where a merge is farthest from the uniform one, in words; None where it is that, or none is told."""
    found = view.difference
    if found is None:
        return None
    told = [
        (abs(value), value, expert, place)
        for place, row in zip(view.places, found.values, strict=True)
        for expert, value in zip(found.columns, row, strict=True)
        if value is not None
    ]
    if not told or max(told, key=lambda each: each[0])[0] < 0.005:
        return None
    _, value, expert, place = max(told, key=lambda each: each[0])
    module = "" if place.module == "all" else f" ({place.module})"
    way = "more" if value > 0 else "less"
    return f"{expert} counts {abs(value):.2f} {way} than in the uniform merge in {place.label}{module}"
