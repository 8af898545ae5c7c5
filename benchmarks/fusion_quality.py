"""What each fusion function is worth: `python -m benchmarks.fusion_quality [--seeds 5] [--processes 2]`.

Both tiny families are searched once, and the plan of `examples/tiny/fusion.yaml` names target and sources.
For every seed data is drawn anew from the tasks' generators, and `crucible fuse` runs once for each way of
learning from it, all sources at once and without a search afterwards. Each is judged on the items that
neither steered a search nor selected, paired with the unfused target.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fusion.quality import WAYS, Cell, measure
from benchmarks.fusion.quality_table import write_results
from benchmarks.machine import describe_machine
from search.showing.display import Display
from search.showing.tables import console
from search.study_file.spec import load_study
from search.working.demo import find_example
from search.working.run import run_study

HERE = Path(__file__).parent
STUDIES = (("study.yaml", 24), ("qwen/study.yaml", 24))
"""Study files of the example, and how many trials each gets."""


@dataclass(frozen=True)
class Options:
    """What is measured, and where work in progress lies."""

    seeds: int
    ways: tuple[str, ...]
    rows: int
    processes: int
    work: Path
    results: Path


def main() -> None:
    """Measure all cells that the work folder does not hold yet, and write table and rows."""
    options = _options()
    store = _searched(options.work)
    wanted = [(seed, options.ways, options.rows, options.work, store) for seed in range(options.seeds)]
    cells: list[Cell] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for done in as_completed([pool.submit(_seed, *each) for each in wanted]):
            cells += done.result()
            _write(options, cells)


def _seed(seed: int, ways: tuple[str, ...], rows: int, work: Path, store: Path) -> list[Cell]:
    """All ways of one seed, one after another over one extraction; what is measured is kept."""
    folder = work / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "instructions.jsonl"
    if not data.exists():
        make = find_example() / "make.py"
        command = [sys.executable, str(make), "--only", "instructions", "--out", str(folder)]
        subprocess.run([*command, "--data-seed", str(1 + seed), "--rows", str(rows)], check=True)
    if not (folder / "crucible.db").exists():
        _copy(store, folder / "crucible.db")
    return [measure(WAYS[name], seed, folder) for name in ways]


def _copy(store: Path, to: Path) -> None:
    """Copy a database with what its log still holds."""
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def _searched(work: Path) -> Path:
    """A store in which both families' studies are complete."""
    work.mkdir(parents=True, exist_ok=True)
    file = work / "crucible.db"
    for name, trials in STUDIES:
        spec = load_study(find_example() / name)
        run_study(spec, f"sqlite:///{file.resolve()}", Display(console()), trials=trials)
    return file


def _write(options: Options, cells: list[Cell]) -> None:
    settings = {"seeds": options.seeds, "rows_per_task": options.rows, "trials": dict(STUDIES)}
    write_results(options.results, describe_machine(), settings, cells)


def _options() -> Options:
    parser = argparse.ArgumentParser(description="Measure what each fusion function is worth.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--rows", type=int, default=1000, help="rows of data for each task")
    parser.add_argument("--processes", type=int, default=2, help="seeds at a time")
    parser.add_argument("--work", type=Path, default=Path("fusion-quality"), help="what is kept between runs")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    said = parser.parse_args()
    return Options(said.seeds, tuple(said.ways), said.rows, said.processes, said.work.resolve(), said.results)


if __name__ == "__main__":
    main()
