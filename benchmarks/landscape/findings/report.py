"""The page of a benchmark of searches: one table of what was found a landscape, one of what racing saved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.landscape.findings.measures import Curve, curves, finals, minus, reached, spanned
from benchmarks.landscape.findings.rows import RaceRow, Row, read_races, read_rows
from benchmarks.landscape.findings.savings import racing_table
from benchmarks.machine import Machine, describe_machine

ROWS, RACES = "search_quality.jsonl", "search_quality_races.jsonl"
"""Files of a folder of results."""
REFERENCE, OURS = "mergekit-evolve", "auto"


def write_report(out: Path) -> str:
    """Write the tables and the plot beside the rows; returns the tables."""
    rows = read_rows(out / ROWS)
    if not rows:
        return "no run is done yet\n"
    from benchmarks.landscape.findings.plot import draw

    machine = describe_machine()
    text = to_markdown(machine, rows, read_races(out / RACES))
    (out / f"{machine.slug}-search-quality.md").write_text(text)
    draw(rows, out / f"{machine.slug}-search-quality.svg")
    return text


def to_markdown(machine: Machine, rows: Sequence[Row], races: Sequence[RaceRow] = ()) -> str:
    """Tables for people, landscape by landscape."""
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
        found = curves(rows, landscape)
        lines += ["", f"## {landscape}", "", *_table(found)]
        if raced := [r for r in races if r.landscape == landscape and r.seed in found.get(r.entry, {})]:
            lines += ["", f"### Racing on {landscape}", "", *racing_table(found, raced)]
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
            f" | {_minus(ended, entry, REFERENCE)} | {_minus(ended, entry, OURS)} |"
        )
    return lines


def _minus(ended: Mapping[str, Mapping[int, float]], entry: str, other: str) -> str:
    difference = None if entry == other else minus(ended[entry], ended.get(other, {}))
    return "" if difference is None else str(difference)
