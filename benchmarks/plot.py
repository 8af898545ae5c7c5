"""The warm candidates as a picture: how many times a copy's time each takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")  # before pyplot: no display is needed

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.results import Results
from benchmarks.samples import ratio
from benchmarks.warm import WarmResult

_LIMITS = (2.0, 3.0, 6.0)
_WIDEST = 12.0
_MET, _MISSED, _UNLIMITED = "#2a78d6", "#c8502d", "#9a9a9a"


def draw(results: Results, file: Path) -> None:
    """Write an SVG with one panel per device, the same for the same numbers."""
    devices = list(dict.fromkeys(row.device for row in results.warm))
    plt.rcParams["svg.hashsalt"] = "crucible"
    height = 1.2 + 0.3 * max(sum(row.device == device for row in results.warm) for device in devices)
    figure, axes = plt.subplots(
        1, len(devices), squeeze=False, figsize=(7.5 * len(devices), height), layout="constrained"
    )
    for panel, device in zip(axes[0], devices, strict=True):
        _draw_panel(panel, [row for row in results.warm if row.device == device], device)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _draw_panel(axes: Axes, rows: Sequence[WarmResult], device: str) -> None:
    times = [ratio(row.candidate, row.copy).value for row in rows]
    # A method far beyond the limits would squeeze the others: its bar is cut, its number is not.
    end = min(_WIDEST, max(7.0, *times))
    bars = axes.barh(
        [row.method for row in rows],
        [min(each, end) for each in times],
        color=[_color(row, each) for row, each in zip(rows, times, strict=True)],
    )
    axes.bar_label(bars, [f"{each:.1f}" for each in times], padding=3, fontsize=8)
    for limit in _LIMITS:
        axes.axvline(limit, color="#555555", linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xticks([0, 1, *_LIMITS])
    axes.set_xlim(0, 1.08 * end)
    axes.invert_yaxis()
    axes.set_title(f"Warm candidates on {device}: times a copy of the same bytes", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _color(row: WarmResult, times: float) -> str:
    if row.limit is None:
        return _UNLIMITED
    return _MET if times <= row.limit else _MISSED
