"""How pictures look: sizes, fonts and colours that the colour-blind tell apart; and how they become bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from studies.errors import StudiesError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Form = Literal["svg", "png"]
EXTRA = "pip install 'crucible[plot]'"
WIDTH = 7.2
"""Inches."""
INK, MUTED, GRID = "#1b1f24", "#5b6570", "#d9dee4"
BLUE, SKY, GREEN, VERMILLION, ORANGE, PURPLE = (
    "#0072b2",
    "#56b4e9",
    "#009e73",
    "#d55e00",
    "#e69f00",
    "#cc79a7",
)
"""Of Okabe & Ito's palette, less its yellow, which is too light for paper."""
MARKS = {
    "base": ("s", MUTED),
    "expert": ("D", VERMILLION),
    "uniform": ("^", GREEN),
    "model": ("v", ORANGE),
    "trial": ("o", BLUE),
    "fused": ("o", BLUE),
}
"""Shape and colour by the kind of a candidate: neither alone tells them apart."""
_LOOK: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial", "sans-serif"],
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # names are text, whatever dollars they hold
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "crucible",
}


class NothingToDraw(StudiesError):  # noqa: N818 - no fault of anybody
    """The study has not come to where there is something to be seen."""

    def __init__(self, study: str, missing: str) -> None:
        """`missing`: what there would have to be."""
        super().__init__(f"study {study!r}: {missing}")
        self.missing = missing


class NoPlots(StudiesError):  # noqa: N818 - said, and gone on without
    """matplotlib is not installed; says how it becomes so."""


def ensure_plots() -> None:
    """Raises NoPlots where pictures can't be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise NoPlots(f"plots are drawn by matplotlib, which is not installed: {EXTRA}") from None


@contextmanager
def look() -> Iterator[None]:
    """Inside the block figures are made, and saved, as these pages have them, whatever a user's settings."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_LOOK)  # type: ignore[arg-type]
        yield


def panels(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of that height in inches, and its panels by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, [list(row) for row in figure.subplots(rows, columns, squeeze=False, **options)]


def saved(figure: Figure, form: Form, *, transparent: bool = False) -> bytes:
    """The figure as a file, without the time at which it was made."""
    out = io.BytesIO()
    face = "none" if transparent else "white"
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    figure.savefig(out, format=form, dpi=200, facecolor=face, metadata=metadata)
    return out.getvalue()


def plain(name: str, most: int = 40) -> str:
    """A name as a picture has room for it, without what no XML may hold."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def whisker(
    axes: Axes,
    at: float,
    values: Sequence[float | None],
    mark: tuple[str, str],
    *,
    size: float = 6.0,
    upright: bool = False,
    label: str | None = None,
) -> None:
    """A value with its interval, (value, low, high), across `at`; a bare mark where there is none."""
    value, low, high = values
    assert value is not None, "there is nothing to draw"
    shape, colour = mark
    if low is not None and high is not None:
        ends, place = (low, high), (at, at)
        axes.plot(*((place, ends) if upright else (ends, place)), color=colour, linewidth=1.6, zorder=2)
    x, y = (at, value) if upright else (value, at)
    axes.plot([x], [y], shape, color=colour, markersize=size, markeredgewidth=0, zorder=3, label=label)
