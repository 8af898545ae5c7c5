"""The best so far, trial by trial, with the interval of whoever was best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.objectives.goals import Goal
from studies.report.plots.style import BLUE, MARKS, MUTED, SKY, NothingToDraw, panels, plain
from studies.report.report import Report
from studies.views.curve import Curve, CurvePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_curve(report: Report) -> Figure:
    """A panel for each of the study's goals, over the numbers of its trials."""
    known = [curve for curve in report.curves if any(point.score is not None for point in curve.points)]
    if not known:
        raise NothingToDraw(report.study, "no trial has answered all search items yet")
    figure, rows = panels(0.5 + 2.5 * len(known), len(known))
    for [axes], curve in zip(rows, known, strict=True):
        _draw(axes, curve)
    return figure


def scale(goal: Goal) -> float:
    """What values are multiplied by: shares become points."""
    return 1.0 if goal.kind in ("gold_logprob", "tokens") else 100.0


def unit(goal: Goal) -> str:
    """What an axis says of a goal."""
    units = {
        "accuracy": "accuracy in %",
        "gold_logprob": "log-probability of a gold token",
        "worst_slice": "worst slice, % of the best expert",
        "tokens": "tokens an answer",
    }
    said = units[goal.kind]
    return f"{plain(goal.name)}: {said}" if goal.weights else said


def leaders(curve: Curve) -> list[CurvePoint]:
    """At each point whose best is known, the trial that holds it."""
    found: list[CurvePoint] = []
    for point in curve.points:
        if point.score is not None and point.score == point.best:
            found.append(point if not found or found[-1].score != point.score else found[-1])
        elif found:
            found.append(found[-1])
    return found


def _draw(axes: Axes, curve: Curve) -> None:
    by, numbers = scale(curve.goal), [point.number for point in curve.points]
    scored = [(point.number, by * point.score) for point in curve.points if point.score is not None]
    axes.plot(
        *zip(*scored, strict=True),
        "o",
        color=SKY,
        markersize=3.5,
        markeredgewidth=0,
        label="a trial",
        zorder=2,
    )
    if guessed := [(p.number, by * p.estimate) for p in curve.points if p.estimate is not None]:
        x, y = zip(*guessed, strict=True)
        axes.plot(x, y, "x", color=MUTED, markersize=3.5, label="stopped early (estimate)", zorder=1)
    ahead = leaders(curve)
    steps = numbers[len(numbers) - len(ahead) :]
    best = [by * (point.score or 0.0) for point in ahead]
    axes.step(steps, best, where="post", color=BLUE, linewidth=2, label="best so far", zorder=4)
    ends = [(point.low, point.high) for point in ahead]
    if all(low is not None and high is not None for low, high in ends):
        lows, highs = ([by * (each or 0.0) for each in side] for side in zip(*ends, strict=True))
        axes.fill_between(
            steps, lows, highs, step="post", color=BLUE, alpha=0.14, linewidth=0, label="its 95% interval"
        )
    _baselines(axes, curve, by)
    axes.set_xlabel("trial")
    axes.set_ylabel(unit(curve.goal))
    axes.grid(axis="y")
    axes.margins(x=0.02)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=4, fontsize=8, handlelength=1.4)


def _baselines(axes: Axes, curve: Curve, by: float) -> None:
    """The base, the best expert and the uniform merge as lines, named at the right, apart from each other."""
    values = {name: by * worth.value for name, worth in curve.baselines.items()}
    low, high = axes.get_ylim()
    above = -float("inf")
    for name, value in sorted(values.items(), key=lambda pair: pair[1]):
        colour = MARKS.get(name, MARKS["expert"])[1]
        axes.axhline(value, color=colour, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        above = max(value, above + 0.055 * (max(high, *values.values()) - min(low, *values.values())))
        place = (1.01, above)
        axes.annotate(
            plain(name, 18), place, xycoords=("axes fraction", "data"), va="center", color=colour, fontsize=8
        )
