"""How good a merge each search finds for so many items: ours beside other tools', on real landscapes.

python -m benchmarks.search_quality [--landscapes tiny,hard] [--entries random,tpe] [--seeds 10] [--minutes 5]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.landscape.entries import ENTRIES
from benchmarks.landscape.ground import Ground
from benchmarks.landscape.named import LANDSCAPES, open_ground
from benchmarks.landscape.objective import Interrupted, Objective, Spent
from benchmarks.landscape.report import write_report
from benchmarks.landscape.rows import Row, read_rows, write_rows
from benchmarks.samples import say

HERE = Path(__file__).parent
ROWS = "search_quality.jsonl"


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    landscapes: tuple[str, ...]
    entries: tuple[str, ...]
    seeds: tuple[int, ...]
    trials: int
    until: float
    out: Path

    def runs(self) -> Iterator[tuple[int, str, str]]:
        """Seed, landscape and entry: a seed of all before the next, so that what is done is balanced."""
        yield from itertools.product(self.seeds, self.landscapes, self.entries)


def run(ground: Ground, landscape: str, entry: str, seed: int, trials: int, until: float) -> list[Row]:
    """One search to the end of its budget, that of so many whole trials; a row for each improvement.

    Raises Interrupted when `until`, by `time.monotonic`, comes first.
    """
    objective = Objective(ground, trials * len(ground.questions["search"]), until)
    with contextlib.suppress(Spent):
        ENTRIES[entry](objective, seed)
    return [Row(landscape, entry, seed, items, holdout) for items, holdout in objective.holdout()]


def work(job: Job) -> None:
    """Do what is not done yet, as far as time allows."""
    grounds: dict[str, Ground] = {}
    for seed, landscape, entry in job.runs():
        done = {(row.landscape, row.entry, row.seed) for row in read_rows(job.out / ROWS)}
        if (landscape, entry, seed) in done:
            continue
        ground = grounds.setdefault(landscape, grounds.get(landscape) or open_ground(landscape))
        began, before = time.monotonic(), ground.asked
        try:
            rows = run(ground, landscape, entry, seed, job.trials, job.until)
        except Interrupted:
            say(f"{landscape}, {entry}, seed {seed}: time is up; what was computed is remembered")
            return
        write_rows(job.out / ROWS, rows)
        took, computed = time.monotonic() - began, ground.asked - before
        say(
            f"{landscape}, {entry}, seed {seed}: {100 * rows[-1].holdout:.1f} of holdout,"
            f" {computed} items computed in {took:.0f} s"
        )


def parse(arguments: Sequence[str] | None = None) -> Job:
    """The job of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_quality", description=__doc__)
    parser.add_argument("--landscapes", default=",".join(LANDSCAPES), help="a comma-separated choice")
    parser.add_argument("--entries", default=",".join(ENTRIES), help="a comma-separated choice")
    parser.add_argument("--seeds", default="10", help="how many, or a range such as 3-5 (10)")
    parser.add_argument(
        "--trials", type=int, default=100, help="whole trials whose items are the budget (100)"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then; a later call goes on")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for rows, table and plot")
    parser.add_argument("--report", action="store_true", help="only write table and plot of what there is")
    given = parser.parse_args(arguments)
    landscapes, entries = tuple(given.landscapes.split(",")), tuple(given.entries.split(","))
    if strays := ({*landscapes} - {*LANDSCAPES}) | ({*entries} - {*ENTRIES}):
        parser.error(f"unknown: {', '.join(sorted(strays))}; there are {', '.join([*LANDSCAPES, *ENTRIES])}")
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last) + 1) if last else range(int(first))
    until = float("-inf") if given.report else time.monotonic() + 60 * given.minutes
    return Job(landscapes, entries, tuple(seeds), given.trials, until, given.out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write the table and the plot."""
    job = parse(arguments)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    job.out.mkdir(parents=True, exist_ok=True)
    if job.until > 0:
        work(job)
    sys.stdout.write(write_report(job.out, ROWS))


if __name__ == "__main__":
    main()
