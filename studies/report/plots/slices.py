"""Slice by slice: the best merge beside the baselines, on holdout items, else on search items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evaluators.score import Accuracy, MeanLogprob
from studies.report.plots.style import MARKS, NothingToDraw, panels, plain, whisker
from studies.report.report import Report
from studies.verdicts.holdout import FOUND
from studies.verdicts.leaderboard import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_slices(report: Report) -> Figure:
    """A band for each slice, and in it a mark with its interval for each of those compared."""
    shown = compared(report)
    if not shown:
        raise NothingToDraw(report.study, "nobody has accuracies on all of its slices yet")
    names = list(dict.fromkeys(name for _, _, scores in shown for name in scores))
    figure, [[axes]] = panels(0.9 + (0.2 + 0.17 * len(shown)) * len(names))
    for place, name in enumerate(names):
        for i, (label, row, scores) in enumerate(shown):
            if (score := scores.get(name)) is None:
                continue
            offset = 0.68 * ((i + 0.5) / len(shown) - 0.5)
            ends = (100 * score.mean, 100 * score.low, 100 * score.high)
            size = 7.5 if row is report.best else 5.5
            whisker(axes, place + offset, ends, MARKS[row.kind], size=size, label=None if place else label)
    sizes = {name: max(scores[name].n for _, _, scores in shown if name in scores) for name in names}
    axes.set_yticks(range(len(names)), [f"{plain(name, 24)}\nn = {sizes[name]}" for name in names])
    axes.tick_params(axis="y", labelcolor="#1b1f24")
    for line in range(1, len(names)):
        axes.axhline(line - 0.5, color="#d9dee4", linewidth=0.8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.set_xlabel(f"accuracy in % on {'holdout' if report.standing != 'unjudged' else 'search'} items")
    figure.legend(loc="outside upper center", ncols=4, fontsize=8, handlelength=1)
    return figure


Scores = Mapping[str, Accuracy]


def compared(report: Report) -> list[tuple[str, Row, Scores]]:
    """The best merge, base, best expert, uniform merge and best raw model, with their accuracies by slice."""
    judged = report.standing != "unjudged"
    found: list[tuple[str, Row, Scores]] = []
    kinds = set[str]()
    for row in report.rows:
        if judged and row.holdout_mean is None:
            continue
        scores = _accuracies(row.holdout if judged else row.search)
        kind = "found" if row.kind in FOUND else row.kind
        if scores and kind not in kinds:
            kinds.add(kind)
            found.append((_label(row), row, scores))
    return found


def _accuracies(scores: Mapping[str, Accuracy | MeanLogprob]) -> Scores:
    return {name: score for name, score in scores.items() if isinstance(score, Accuracy)}


def _label(row: Row) -> str:
    titles = {"base": "base", "expert": "best expert", "uniform": "uniform merge", "model": "best raw model"}
    title, name = titles.get(row.kind, ""), plain(row.name, 24)
    return f"{title} ({name})" if title and row.name != row.kind else title or name
