"""Search score against holdout score: how much of what the search promised is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.report.plots.style import MARKS, MUTED, SKY, NothingToDraw, panels, plain, whisker
from studies.report.ranked import mean_worth
from studies.report.report import Report
from studies.verdicts.holdout import FOUND
from studies.verdicts.leaderboard import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"base": "base", "expert": "experts", "uniform": "uniform merge", "model": "models as they are"}


def draw_optimism(report: Report) -> Figure:
    """A mark for each candidate that was judged; below the diagonal the search promised too much."""
    spots = [
        (row, search, holdout)
        for row in report.rows
        if row.holdout_mean is not None
        and (search := mean_worth(row.search)) is not None
        and (holdout := mean_worth(row.holdout)) is not None
    ]
    if not spots:
        raise NothingToDraw(report.study, "nobody has accuracies on both search and holdout items yet")
    figure, [[axes]] = panels(4.0)
    seen: set[str] = set()
    for row, promised, worth in reversed(spots):
        label, mark = _marked(row, report.best)
        low, high = (None if end is None else 100 * end for end in (worth.low, worth.high))
        size = 8.0 if row is report.best else 5.5
        ends = (100 * worth.value, low, high)
        told = None if label in seen else label
        whisker(axes, 100 * promised.value, ends, mark, size=size, upright=True, label=told)
        seen.add(label)
    _diagonal(axes)
    axes.set_xlabel("accuracy in % on search items, by which the search chose")
    axes.set_ylabel("accuracy in % on holdout items")
    axes.grid()
    axes.legend(loc="upper left", fontsize=8, handlelength=1.6)
    return figure


def _marked(row: Row, best: Row | None) -> tuple[str, tuple[str, str]]:
    if row is best:
        return plain(row.name), MARKS["trial"]
    if row.kind in FOUND:
        return "other finalists", ("o", SKY)
    return NAMES[row.kind], MARKS[row.kind]


def _diagonal(axes: Axes) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ends = (min(left, bottom), max(right, top))
    dashes = (0, (3, 2))
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=dashes, zorder=1, label="as promised")
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
