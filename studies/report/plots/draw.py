"""Which pictures there are, what each shows, and how one becomes a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from studies.errors import StudiesError
from studies.report.plots.curve import draw_curve
from studies.report.plots.front import draw_front
from studies.report.plots.gains import draw_gains
from studies.report.plots.optimism import draw_optimism
from studies.report.plots.slices import draw_slices
from studies.report.plots.style import Form, NothingToDraw, ensure_plots, look, saved
from studies.report.plots.weights import draw_weights
from studies.report.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Kind:
    """A picture: its title, how it is read, and who draws it."""

    title: str
    reading: str
    draw: Callable[[Report], Figure]


KINDS: Mapping[str, Kind] = {
    "gains": Kind(
        "What was gained",
        "How many points of accuracy on holdout items the best merge has more than each baseline. An interval"
        " that lies right of zero proves it; all of them hold together at 95%.",
        draw_gains,
    ),
    "front": Kind(
        "The trade-off",
        "The first two objectives against each other; nobody is better in both than those on the line.",
        draw_front,
    ),
    "curve": Kind(
        "The best so far",
        "Each trial's score on search items; the line is the best up to it, the band its 95% interval.",
        draw_curve,
    ),
    "optimism": Kind(
        "Promised and kept",
        "Search score against holdout score, with 95% intervals. On the line a candidate is worth what the"
        " search saw in it; below it the search was too optimistic.",
        draw_optimism,
    ),
    "slices": Kind(
        "Slice by slice",
        "Accuracy of the best merge beside the baselines, with 95% intervals.",
        draw_slices,
    ),
    "weights": Kind(
        "What the merge is made of",
        "What each expert counts in the layers and modules of the best merge, and what share of its change"
        " is kept.",
        draw_weights,
    ),
}


@dataclass(frozen=True)
class Picture:
    """A picture of a report, or why there is none."""

    kind: str
    title: str
    reading: str
    svg: bytes | None
    """None where there is nothing to be seen."""
    missing: str = ""


def draw(report: Report, kind: str, form: Form = "svg", *, transparent: bool = False) -> bytes:
    """One picture as a file; the same study gives the same bytes.

    Raises NoPlots without matplotlib, NothingToDraw before there is something to be seen.
    """
    ensure_kind(kind)
    ensure_plots()
    with look():
        return saved(KINDS[kind].draw(report), form, transparent=transparent)


def ensure_kind(kind: str) -> None:
    """Raises StudiesError where there is no such picture."""
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise StudiesError(f"--kind {kind!r} is none of {', '.join(KINDS)}{hint}")


def draw_all(report: Report, *, transparent: bool = False) -> list[Picture]:
    """Every picture that belongs into the report, in its order; raises NoPlots without matplotlib."""
    shown = (name for name in KINDS if _belongs(report, name))
    return [_picture(report, name, KINDS[name], transparent) for name in shown]


def _belongs(report: Report, name: str) -> bool:
    """Whether anybody would look for it there."""
    if name == "front":
        return len(report.goals) > 1
    return not (report.fusion and name in ("curve", "optimism"))


def _picture(report: Report, name: str, kind: Kind, transparent: bool) -> Picture:
    try:
        return Picture(name, kind.title, kind.reading, draw(report, name, transparent=transparent))
    except NothingToDraw as error:
        return Picture(name, kind.title, kind.reading, None, error.missing)
