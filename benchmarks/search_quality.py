"""How good a merge each search finds for so many items: ours beside other tools', on real landscapes.

python -m benchmarks.search_quality [--landscapes tiny,hard] [--entries random,tpe] [--seeds 10] [--minutes 5]
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path

import torch

from benchmarks.landscape.entries import ENTRIES, rank
from benchmarks.landscape.findings.report import RACES, ROWS, write_report
from benchmarks.landscape.findings.rows import RaceRow, Row, read_rows, write_rows
from benchmarks.landscape.ground import Ground
from benchmarks.landscape.named import LANDSCAPES, MEMORY
from benchmarks.landscape.objective import Interrupted, Spent
from benchmarks.landscape.races import races_of
from benchmarks.samples import say

HERE = Path(__file__).parent

Run = tuple[int, str, str]
"""Seed, landscape and entry."""


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    landscapes: tuple[str, ...]
    entries: tuple[str, ...]
    seeds: tuple[int, ...]
    trials: int
    until: float
    out: Path
    processes: int = 1
    device: str = "cpu"
    graphs: bool = False
    races: bool = False
    studies: Mapping[str, Path] = field(default_factory=LANDSCAPES.copy)
    """The landscapes' study files, by name."""
    memory: Path = MEMORY

    def runs(self) -> Iterator[Run]:
        """Of entries of one rank, a seed of all before the next, so that what is done is balanced."""
        for place in sorted({rank(entry) for entry in self.entries}):
            entries = [entry for entry in self.entries if rank(entry) == place]
            yield from product(self.seeds, self.landscapes, entries)


@dataclass(frozen=True)
class Done:
    """What a run found, and the line that tells of it."""

    rows: tuple[Row, ...]
    races: tuple[RaceRow, ...]
    said: str


def run(ground: Ground, landscape: str, entry: str, seed: int, job: Job) -> tuple[list[Row], list[RaceRow]]:
    """One search to the end of its budget, that of so many whole trials; a row for each improvement and race.

    Raises Interrupted when the job's time is up before.
    """
    objective = ENTRIES[entry].objective(ground, job.trials, job.until)
    with contextlib.suppress(Spent):
        ENTRIES[entry].search(objective, seed)
    races = [*races_of(objective, landscape, entry, seed)] if job.races else []
    return [Row(landscape, entry, seed, items, holdout) for items, holdout in objective.holdout()], races


def do(job: Job, each: Run) -> Done | None:
    """One run of a job, in this process; None: time was up first."""
    seed, landscape, entry = each
    if time.monotonic() > job.until:
        return None
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    ground = _ground(job.studies[landscape], job.memory / landscape, job.device, job.graphs)
    began, before = time.monotonic(), ground.asked
    try:
        rows, races = run(ground, landscape, entry, seed, job)
    except Interrupted:
        return None
    took, computed = time.monotonic() - began, ground.asked - before
    said = f"{landscape}, {entry}, seed {seed}: {100 * rows[-1].holdout:.1f} of holdout,"
    return Done(tuple(rows), tuple(races), f"{said} {computed} items computed in {took:.0f} s")


@cache
def _ground(study: Path, memory: Path, device: str, graphs: bool) -> Ground:
    return Ground.of(study, memory, device, graphs)


def work(job: Job) -> None:
    """Do what is not done yet, as far as time allows."""
    done = {(row.seed, row.landscape, row.entry) for row in read_rows(job.out / ROWS)}
    missing = [each for each in job.runs() if each not in done]
    cut = 0
    for found in _done(job, missing):
        if found is None:
            cut += 1
            continue
        write_rows(job.out / RACES, found.races)
        write_rows(job.out / ROWS, found.rows)
        say(found.said)
    if cut:
        say(f"time is up, {cut} of {len(missing)} runs are not done; what was computed is remembered")


def _done(job: Job, runs: Sequence[Run]) -> Iterator[Done | None]:
    """The runs in the order in which they end; several processes have a ground each."""
    if job.processes == 1:
        yield from (do(job, each) for each in runs)
        return
    context = multiprocessing.get_context("spawn")  # a GPU is not for forks
    failed: list[BaseException] = []
    with ProcessPoolExecutor(job.processes, context) as pool:
        running = {pool.submit(do, job, each): each for each in runs}
        for ended in as_completed(running):
            error = ended.exception()
            if error is None:
                yield ended.result()
            else:  # the others shall have their say first
                say(f"{running[ended]} failed: {type(error).__name__}: {error}")
                failed.append(error)
    if failed:
        raise failed[0]


def parse(arguments: Sequence[str] | None = None) -> Job:
    """The job of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_quality", description=__doc__)
    parser.add_argument("--landscapes", default=",".join(LANDSCAPES), help="a comma-separated choice")
    parser.add_argument("--entries", default=",".join(ENTRIES), help="a comma-separated choice")
    parser.add_argument("--seeds", default="10", help="how many, or a range such as 3-5 (10)")
    parser.add_argument(
        "--trials",
        type=int,
        default=100,
        help="whole trials whose items are the budget (100)",
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then; a later call goes on")
    parser.add_argument("--processes", type=int, default=1, help="that share the runs (1)")
    parser.add_argument(
        "--device",
        default="cpu",
        help="where merges answer (cpu); on cuda, all of a split's items at once, in recorded passes",
    )
    parser.add_argument("--no-graphs", action="store_true", help="on cuda, run passes without recording them")
    parser.add_argument(
        "--races",
        action="store_true",
        help=f"score whole what racing stops, and race what was not, outside of the budget, into {RACES}",
    )
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for rows, tables and plot")
    parser.add_argument("--report", action="store_true", help="only write tables and plot of what there is")
    given = parser.parse_args(arguments)
    landscapes, entries = tuple(given.landscapes.split(",")), tuple(given.entries.split(","))
    if strays := ({*landscapes} - {*LANDSCAPES}) | ({*entries} - {*ENTRIES}):
        parser.error(f"unknown: {', '.join(sorted(strays))}; there are {', '.join([*LANDSCAPES, *ENTRIES])}")
    first, _, last = given.seeds.partition("-")
    return Job(
        landscapes,
        entries,
        tuple(range(int(first), int(last) + 1) if last else range(int(first))),
        given.trials,
        float("-inf") if given.report else time.monotonic() + 60 * given.minutes,
        given.out,
        processes=given.processes,
        device=given.device,
        graphs=given.device.startswith("cuda") and not given.no_graphs,
        races=given.races,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write the tables and the plot."""
    job = parse(arguments)
    job.out.mkdir(parents=True, exist_ok=True)
    if job.until > 0:
        work(job)
    sys.stdout.write(write_report(job.out))


if __name__ == "__main__":
    main()
