"""How far the best merge is above whom it was compared with: the verdict as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.report.plots.style import BLUE, MUTED, NothingToDraw, panels, plain, whisker
from studies.report.ranked import standing
from studies.report.report import Report
from studies.report.table import gained, points

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_gains(report: Report) -> Figure:
    """A line for each comparison: the gain in points, with its interval; right of zero is better."""
    best = report.best
    found = (
        [] if best is None else [(title, gain.mean, gain.low, gain.high) for title, gain in standing(best)]
    )
    if best is not None and best.winner is not None and best.winner.runner_up is not None:
        name, gain = best.winner.runner_up.name, best.winner.runner_up.gain
        found.append((f"the runner-up ({plain(name, 32)})", gain.mean, gain.low, gain.high))
    if best is None or not found:
        raise NothingToDraw(report.study, "no merge was compared on holdout items yet")
    figure, [[axes]] = panels(0.75 + 0.42 * len(found))
    for place, (_, mean, low, high) in enumerate(found):
        clear = low > 0 or high < 0
        whisker(axes, place, (100 * mean, 100 * low, 100 * high), ("o", BLUE if clear else MUTED), size=7)
        said = f"{points(mean)}  {gained(low, high)}"
        axes.annotate(
            said, (1.02, place), xycoords=("axes fraction", "data"), va="center", annotation_clip=False
        )
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
    axes.set_yticks(range(len(found)), [title for title, *_ in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor="#1b1f24")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"points of accuracy that {plain(best.name)} has more, on holdout items")
    return figure
