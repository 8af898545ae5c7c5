"""Several objectives: who reached how much of the first two, and whom nobody beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.objectives.goals import Goal
from studies.objectives.worth import Worth
from studies.report.plots.curve import scale, unit
from studies.report.plots.style import BLUE, MARKS, MUTED, NothingToDraw, panels, plain
from studies.report.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_front(report: Report) -> Figure:
    """A mark for each candidate: the first objective to the right, the second upwards."""
    spots = _spots(report)
    if len(report.goals) < 2 or not spots:
        raise NothingToDraw(report.study, "it has no several objectives of which values are known")
    judged = report.standing != "unjudged"
    goals = [goal.judged() if judged else goal for goal in report.goals[:2]]
    figure, [[axes]] = panels(3.8)
    for _, kind, worths, leading in spots:
        x, y = (scale(goal) * worth.value for goal, worth in zip(goals, worths[:2], strict=True))
        shape, colour = MARKS[kind]
        if kind in ("trial", "fused") and not leading:
            colour = MUTED
        axes.plot(
            [x],
            [y],
            shape,
            color=colour,
            markersize=7 if leading else 4.5,
            markeredgewidth=0,
            alpha=1.0 if leading else 0.7,
        )
    _line(axes, goals, [spot for spot in spots if spot[3]])
    where = "holdout" if judged else "search"
    axes.set_xlabel(f"{unit(goals[0])}, on {where} items")
    axes.set_ylabel(unit(goals[1]))
    axes.grid()
    return figure


Spot = tuple[str, str, tuple[Worth, ...], bool]
"""Name, kind, worth by goal, whether it is on the front."""


def _spots(report: Report) -> list[Spot]:
    judged = report.standing != "unjudged"
    found: list[Spot] = []
    for row in report.rows:
        if row.reached is None:
            continue
        worths = row.reached.holdout if judged else row.reached.search
        leading = row.reached.holdout_front if judged else row.reached.search_front
        if worths is not None:
            found.append((row.name, row.kind, worths, bool(leading)))
    return found


def _line(axes: Axes, goals: list[Goal], front: list[Spot]) -> None:
    """Join those on the front, and name them."""
    points = sorted(
        (scale(goals[0]) * worths[0].value, scale(goals[1]) * worths[1].value, name)
        for name, _, worths, _ in front
    )
    axes.plot([x for x, _, _ in points], [y for _, y, _ in points], color=BLUE, linewidth=1, zorder=1)
    for x, y, name in points:
        axes.annotate(plain(name, 20), (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8)
