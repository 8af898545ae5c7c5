"""How pages word numbers, times and states; a number that is not known is a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NONE = "–"
STATES = {
    "selecting": "choosing who learns",
    "extracting": "asking sources",
    "distilling": "training",
    "searching": "searching",
    "judging": "judging",
    "complete": "complete",
    "stopped": "stopped",
    "failed": "failed",
    "queued": "queued",
    "running": "running",
    "pruned": "stopped early",
    "paused": "paused",
}


def percent(value: float | None, digits: int = 1) -> str:
    """`71.3 %`, of a fraction."""
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def points(value: float | None, digits: int = 1) -> str:
    """`+2.5`: percentage points, of a difference of fractions."""
    return NONE if value is None else f"{100 * value:+.{digits}f}".replace("-", "−")


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """`68.0 to 74.4`, of fractions, in percent."""
    if low is None or high is None:
        return NONE
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}".replace("-", "−")


def ends(found: Any) -> str:
    """`68.0–74.4`: an accuracy's interval, short, for under its mean."""
    return f"{100 * found.low:.1f}–{100 * found.high:.1f}"


def gain(difference: Any) -> str:
    """`+2.5 [+0.1, +4.9]`: percentage points with their interval."""
    if difference is None:
        return NONE
    mean, low, high = (points(value) for value in (difference.mean, difference.low, difference.high))
    return f"{mean} [{low}, {high}]"


def worth(found: Any, kind: str) -> str:
    """What a candidate is worth by a goal of that kind, with its interval."""
    if found is None:
        return NONE
    between = (found.low, found.high)
    if kind in ("accuracy", "worst_slice"):
        return percent(found.value) + ("" if None in between else f" [{interval(*between)}]")
    digits = 1 if kind == "tokens" else 3
    ends = "" if None in between else " [{:.{d}f} to {:.{d}f}]".format(*between, d=digits)
    return f"{found.value:.{digits}f}{ends}".replace("-", "−")


def count(value: float | None) -> str:
    """`12,345`."""
    return NONE if value is None else f"{value:,.0f}"


def large(value: float | None) -> str:
    """`1.2 M`: a count to two figures or three."""
    if value is None:
        return NONE
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.{1 if abs(value) < 100 * size else 0}f} {unit}"
    return f"{value:.0f}"


def span(seconds: float | None) -> str:
    """`2 h 10 min`: how long something takes, to the two greatest units."""
    if seconds is None:
        return NONE
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, size, small, less in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // less
            return f"{whole // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def stamp(time: datetime | None) -> str:
    """A time of the store, UTC, as HTML's `datetime` has it."""
    return "" if time is None else time.replace(tzinfo=UTC).isoformat(timespec="seconds")


def moment(time: datetime | None) -> str:
    """`2026-11-27 21:50 UTC`, for whoever has no script."""
    return NONE if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def state(name: str) -> str:
    """A state in words."""
    return STATES.get(name, name)


def plural(n: int, noun: str, more: str | None = None) -> str:
    """`1 trial`, `2 trials`."""
    return f"{n:,} {noun if n == 1 else more or noun + 's'}"


FILTERS = {
    each.__name__: each
    for each in (
        percent,
        points,
        interval,
        ends,
        gain,
        worth,
        count,
        large,
        span,
        stamp,
        moment,
        state,
        plural,
    )
}
