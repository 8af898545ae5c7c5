"""Rows and table of the quality benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.fusion.quality import Cell
from benchmarks.machine import Machine

HEAD = """# What each fusion function is worth

{date}, {cpu}, {cores} cores, Python {python}, torch {torch}.
Written by `python -m benchmarks.fusion_quality`.

Tiny families of two architectures and tokenizers; the target is the best merge of the one that the evidence
chose. {rows} rows of data a task, {seeds} seeds, each with data of its own; accuracy in % on {n} items that
neither steered a search nor selected. Gain: points above the unfused target ({target:.1f}%), with the
95% interval of the seed in the middle, paired over items; the last column counts the seeds whose interval
excludes 0.

| way | {slices} | mean | gain [95%] | least, most | above 0 |
|---|{rule}---|---|---|---|
"""


def write_results(folder: Path, machine: Machine, settings: Mapping[str, Any], cells: Sequence[Cell]) -> None:
    """Write every cell as JSON, and the table as Markdown, beside other results."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"machine": asdict(machine), "settings": settings, "cells": [asdict(each) for each in cells]}
    (folder / f"{machine.slug}-fusion-quality.json").write_text(json.dumps(said, indent=1) + "\n")
    (folder / f"{machine.slug}-fusion-quality.md").write_text(table(machine, settings, cells))


def table(machine: Machine, settings: Mapping[str, Any], cells: Sequence[Cell]) -> str:
    """The table, the best way first."""
    ways: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.gain):
        ways.setdefault(cell.way, []).append(cell)
    first = cells[0]
    head = HEAD.format(
        date=machine.date,
        cpu=machine.cpu,
        cores=machine.cores,
        python=machine.python,
        torch=machine.torch,
        rows=settings["rows_per_task"],
        seeds=settings["seeds"],
        n=first.n,
        target=100 * first.target_mean,
        slices=" | ".join(first.slices),
        rule="---|" * len(first.slices),
    )
    ranked = sorted(ways.items(), key=lambda pair: -median(cell.gain for cell in pair[1]))
    return head + "".join(_line(name, found) for name, found in ranked)


def _line(name: str, cells: Sequence[Cell]) -> str:
    """One way; `cells` by gain. Of an even number of seeds the lower one in the middle is shown."""
    middle = cells[(len(cells) - 1) // 2]
    slices = [median(cell.slices[each] for cell in cells) for each in middle.slices]
    shown = " | ".join(f"{100 * each:.1f}" for each in slices)
    gain = f"{100 * middle.gain:+.1f} [{100 * middle.low:+.1f}, {100 * middle.high:+.1f}]"
    spread = f"{100 * cells[0].gain:+.1f}, {100 * cells[-1].gain:+.1f}"
    mean = 100 * median(cell.mean for cell in cells)
    above = sum(cell.low > 0 for cell in cells)
    return f"| {name} | {shown} | {mean:.1f} | {gain} | {spread} | {above}/{len(cells)} |\n"
