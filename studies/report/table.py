"""A table as data: what HTML and Markdown both are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One value as text, and what belongs to it in smaller letters: its interval, or what it rests on."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table; the first cell says what it is about."""

    cells: tuple[Cell, ...]
    foremost: bool = False
    """Whether it is what the table wants to say."""


@dataclass(frozen=True)
class Table:
    """Columns by their heads; all but the first are numbers."""

    title: str
    head: tuple[Cell, ...]
    lines: tuple[Line, ...]


def percent(share: float) -> str:
    """A share as percentage points with one decimal: 0.8123 -> 81.2."""
    return f"{100 * share:.1f}"


def interval(low: float | None, high: float | None) -> str:
    """Both ends of an interval of shares, in points; empty where there is none."""
    return "" if low is None or high is None else f"[{percent(low)}, {percent(high)}]"


def points(gain: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * gain:+.1f}"


def gained(low: float, high: float) -> str:
    """Both ends of the interval of a difference, in points with their signs."""
    return f"[{points(low)}, {points(high)}]"


def listed(names: list[str] | tuple[str, ...], word: str = "and") -> str:
    """`a, b and c`."""
    if not names:
        return "nothing"
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
