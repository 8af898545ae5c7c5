"""What the rows say: finals with intervals, how soon mergekit-evolve's is reached, paired differences."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.landscape.rows import Row, read_rows
from benchmarks.machine import Machine, describe_machine

REFERENCE, OURS = "mergekit-evolve", "auto+racing"
RESAMPLES = 4000

Curve = Sequence[tuple[int, float]]
"""After how many items which holdout score stands."""


@dataclass(frozen=True)
class Span:
    """A value with its 95% interval, by the bootstrap over seeds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def curves(rows: Sequence[Row], landscape: str) -> dict[str, dict[int, Curve]]:
    """Entry by entry and seed by seed."""
    found: dict[str, dict[int, list[tuple[int, float]]]] = {}
    for row in rows:
        if row.landscape == landscape:
            found.setdefault(row.entry, {}).setdefault(row.seed, []).append((row.items, row.holdout))
    return {entry: {seed: sorted(each) for seed, each in seeds.items()} for entry, seeds in found.items()}


def at(curve: Curve, items: int) -> float:
    """The holdout score that stands after so many items; NaN before the first."""
    return max(((spent, score) for spent, score in curve if spent <= items), default=(0, float("nan")))[1]


def spanned(values: Sequence[float], statistic: str = "median") -> Span:
    """The median, or the mean, of values over seeds."""
    measure = np.median if statistic == "median" else np.mean
    drawn = np.random.RandomState(0).choice(np.array(values), (RESAMPLES, len(values)))
    low, high = np.percentile(measure(drawn, axis=1), [2.5, 97.5])
    return Span(float(measure(values)), float(low), float(high))


def finals(seeds: Mapping[int, Curve]) -> dict[int, float]:
    """By seed, the holdout score of what a search ended with."""
    return {seed: curve[-1][1] for seed, curve in seeds.items()}


def reached(seeds: Mapping[int, Curve], level: float) -> int | None:
    """After how many items the median over seeds stands at a level; None: never."""
    steps = sorted({items for curve in seeds.values() for items, _ in curve})
    return next(
        (n for n in steps if median(_or_nothing(at(curve, n)) for curve in seeds.values()) >= level), None
    )


def write_report(out: Path, name: str) -> str:
    """Write the table and the plot beside the rows; returns the table."""
    rows = read_rows(out / name)
    if not rows:
        return "no run is done yet\n"
    from benchmarks.landscape.curves import draw

    machine = describe_machine()
    text = to_markdown(machine, rows)
    (out / f"{machine.slug}-search-quality.md").write_text(text)
    draw(rows, out / f"{machine.slug}-search-quality.svg")
    return text


def to_markdown(machine: Machine, rows: Sequence[Row]) -> str:
    """A table for people, one a landscape."""
    lines = [
        f"# What a search finds: {machine.cpu}, {machine.cores} cores",
        "",
        f"{machine.date}, Python {machine.python}, torch {machine.torch};"
        f" load average {os.getloadavg()[0]:.1f}. Holdout accuracy in % of the incumbent (900 items),"
        " medians over seeds with 95% intervals"
        " (bootstrap). Differences are means, paired by seed. Written"
        " by `python -m benchmarks.search_quality`.",
    ]
    for landscape in dict.fromkeys(row.landscape for row in rows):
        lines += ["", f"## {landscape}", "", *_table(curves(rows, landscape))]
    return "\n".join(lines) + "\n"


def _table(entries: Mapping[str, Mapping[int, Curve]]) -> list[str]:
    ended = {entry: finals(seeds) for entry, seeds in entries.items()}
    level = median(ended[REFERENCE].values()) if REFERENCE in ended else None
    lines = [
        f"| entry | seeds | final | items to {REFERENCE}'s final | minus {REFERENCE} | minus {OURS} |",
        "|---|---|---|---|---|---|",
    ]
    for entry, values in sorted(ended.items(), key=lambda each: -median(each[1].values())):
        soon = None if level is None else reached(entries[entry], level)
        lines.append(
            f"| {entry} | {len(values)} | {spanned([*values.values()])} | {'never' if soon is None else soon}"
            f" | {_minus(values, ended.get(REFERENCE))} | {_minus(values, ended.get(OURS))} |"
        )
    return lines


def _minus(values: Mapping[int, float], others: Mapping[int, float] | None) -> str:
    """The mean difference on the seeds that both have."""
    both = sorted(values.keys() & others.keys()) if others else []
    if not both or values is others or others is None:
        return ""
    return str(spanned([values[seed] - others[seed] for seed in both], "mean"))


def _or_nothing(score: float) -> float:
    return -1.0 if np.isnan(score) else score
