"""Training curves as SVG: a picture for each metric, a line for each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.views.fusion import Run

WIDTH, HEIGHT = 360.0, 180.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 8.0, 10.0, 26.0
METRICS = {"loss": "Loss", "ce": "Cross-entropy of the labels", "divergence": "Divergence from the sources"}


@dataclass(frozen=True)
class Plot:
    """One metric of all runs."""

    title: str
    paths: tuple[tuple[str, str], ...]
    """Each run's name and line."""
    x: tuple[str, str]
    """First and last step."""
    y: tuple[tuple[float, str], ...]
    """Heights with what is written beside them."""
    ends: tuple[tuple[str, float, float], ...]
    """Each run's name, with its first and last value."""


def plots_of(runs: Sequence[Run]) -> list[Plot]:
    """Of every metric that any run has."""
    return [
        plot
        for name, title in METRICS.items()
        if (plot := _plot(title, [run for run in runs if _known(run, name)], name)) is not None
    ]


def _known(run: Run, name: str) -> list[tuple[int, float]]:
    values = run.metrics.get(name, ())
    return [(step, value) for step, value in zip(run.steps, values, strict=False) if value is not None]


def _plot(title: str, runs: Sequence[Run], name: str) -> Plot | None:
    told = {run.name: _known(run, name) for run in runs}
    if not told:
        return None
    steps = [step for line in told.values() for step, _ in line]
    values = [value for line in told.values() for _, value in line]
    first, last, low, high = min(steps), max(steps), min(0.0, *values), max(values)
    high = high if high > low else low + 1.0

    def place(step: int, value: float) -> str:
        x = LEFT + (step - first) / max(1, last - first) * (WIDTH - LEFT - RIGHT)
        return f"{x:.1f},{_height(value, low, high):.1f}"

    ticks = [low + i * (high - low) / 3 for i in range(4)]
    return Plot(
        title=title,
        paths=tuple((run, " ".join(place(*each) for each in line)) for run, line in told.items()),
        x=(f"{first:,}", f"{last:,}"),
        y=tuple((round(_height(tick, low, high), 1), f"{tick:.2g}") for tick in ticks),
        ends=tuple((run, line[0][1], line[-1][1]) for run, line in told.items()),
    )


def _height(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
