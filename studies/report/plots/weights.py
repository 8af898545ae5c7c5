"""What each expert gives to each part of the best merge: heat maps of its weights and densities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.report.plots.style import INK, NothingToDraw, panels, plain
from studies.report.report import Report
from studies.views.merge import ALL, REST, MergeView
from studies.views.settings import HeatMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RAMP = ("#eef4f9", "#8fc3e6", "#0072b2", "#00344f")
MOST_NUMBERS = 24
"""Lines of a map up to which its cells say their numbers."""
MOST_COLUMNS = 6
SHOWN = 2
"""Maps: weight and density, or whatever the method reads instead."""


def draw_weights(report: Report) -> Figure:
    """A column of panels for each module, a row of them for each parameter; experts by layers."""
    merge = report.merge
    maps = [] if merge is None else [each for each in merge.maps if any(map(any, each.values))][:SHOWN]
    if merge is None or not maps:
        raise NothingToDraw(report.study, "there is no merge with weights of its own to show")
    modules = list(dict.fromkeys(place.module for place in merge.places if place.start is not None)) or [ALL]
    lines = list(dict.fromkeys(_line(place.label, place.start) for place in merge.places))
    tall = max(1.1, min(9.0, 0.24 * len(lines) + 0.5))
    figure, rows = panels(0.5 + tall * len(maps), len(maps), len(modules), sharey=True)
    for axes_row, each in zip(rows, maps, strict=True):
        for axes, module in zip(axes_row, modules, strict=True):
            _draw(axes, merge, each, module, lines)
        axes_row[0].set_ylabel(each.name, fontweight="bold", color=INK)
    for axes, module in zip(rows[0], modules, strict=True):
        axes.set_title(plain(module, 20))
    return figure


def _line(label: str, start: int | None) -> str:
    return label if start is not None else "outside layers"


def _draw(axes: Axes, merge: MergeView, each: HeatMap, module: str, lines: list[str]) -> None:
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.patches import Rectangle

    ramp = LinearSegmentedColormap.from_list("blues", RAMP)
    shade = Normalize(min(0.0, each.low), max(1.0, each.high))
    numbered = len(lines) <= MOST_NUMBERS and len(each.columns) <= MOST_COLUMNS
    for place, values in zip(merge.places, each.values, strict=True):
        if place.module != module and not (place.start is None and module in (REST, ALL)):
            continue
        y = lines.index(_line(place.label, place.start))
        for x, value in enumerate(values):
            if value is not None:
                deep = float(shade(value))
                axes.add_patch(Rectangle((x + 0.02, y + 0.04), 0.96, 0.92, facecolor=ramp(deep), linewidth=0))
                if numbered:
                    _number(axes, x + 0.5, y + 0.5, value, "#ffffff" if deep > 0.5 else "#111111")
    axes.set_xticks([i + 0.5 for i in range(len(each.columns))], [plain(name, 12) for name in each.columns])
    if max(map(len, each.columns)) * len(each.columns) > 26:
        for name in axes.get_xticklabels():
            name.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks([i + 0.5 for i in range(len(lines))], [plain(line, 20) for line in lines])
    axes.set_xlim(0, len(each.columns))
    axes.set_ylim(len(lines), 0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _number(axes: Axes, x: float, y: float, value: float, colour: str) -> None:
    axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
