"""Holdout score against items scored, as a picture: medians over seeds with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")  # before pyplot: no display is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.landscape.findings.measures import Curve, at, curves
from benchmarks.landscape.findings.rows import UNRACED, Row

POINTS = 120


def draw(rows: Sequence[Row], file: Path) -> None:
    """Write an SVG with one panel per landscape, the same for the same rows."""
    landscapes = list(dict.fromkeys(row.landscape for row in rows))
    plt.rcParams["svg.hashsalt"] = "crucible"
    figure, axes = plt.subplots(
        1, len(landscapes), squeeze=False, figsize=(8 * len(landscapes), 5), layout="constrained"
    )
    for panel, landscape in zip(axes[0], landscapes, strict=True):
        _panel(panel, curves(rows, landscape), landscape)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _panel(axes: Axes, entries: Mapping[str, Mapping[int, Curve]], landscape: str) -> None:
    last = max(items for seeds in entries.values() for curve in seeds.values() for items, _ in curve)
    grid = np.linspace(0, last, POINTS)
    colors = plt.get_cmap("tab20")
    for number, (entry, seeds) in enumerate(sorted(entries.items())):
        scores = 100 * np.array([[at(curve, int(items)) for items in grid] for curve in seeds.values()])
        known = ~np.isnan(scores).any(axis=0)
        low, middle, high = np.percentile(scores[:, known], [25, 50, 75], axis=0)
        style = "--" if UNRACED in entry else "-"
        axes.plot(grid[known], middle, style, label=entry, color=colors(number % 20), linewidth=1.5)
        axes.fill_between(grid[known], low, high, color=colors(number % 20), alpha=0.12, linewidth=0)
    axes.set_title(f"{landscape}: median over seeds, with the middle half", fontsize=10)
    axes.set_xlabel("items scored")
    axes.set_ylabel("holdout accuracy of the incumbent, %")
    axes.legend(fontsize=7, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
