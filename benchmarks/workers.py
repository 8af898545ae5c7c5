"""How far workers scale: `python -m benchmarks.workers [--only quick,scaling,tiny] [--trials 500] [--json]`.

Three measurements, each on databases of its own: `quick` has eight workers do trials that cost next to
nothing, so that what is left is our own work and PostgreSQL's; `scaling` has one, two and four do trials in
which the engine takes half a second; `tiny` is `crucible run` on the tiny study with one worker and with two.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import create_engine, make_url, text

from benchmarks.crew import TINY, Work, work_together, write_study
from benchmarks.machine import Machine, describe_machine
from benchmarks.processes import run_command
from benchmarks.samples import say

HERE = Path(__file__).parent
PARTS = ("quick", "scaling", "tiny")
CREW = 8
SLOW_S = 0.5
LEAST_PER_SECOND, LEAST_SCALING, MOST_OF_TWO = 20.0, 3.0, 0.65


@dataclass(frozen=True)
class WorkerTimes:
    """What one run has measured; None or empty: left out."""

    machine: Machine
    load: float
    """How many processes wanted a core on average in the minute before."""
    quick: Work | None = None
    thinned: Work | None = None
    """As `quick`, but merged by TIES and not by the weights alone, which takes three times as long."""
    unmerged: Work | None = None
    """As `thinned`, but no candidate is merged: proposals, database and we alone."""
    scaling: tuple[Work, ...] = ()
    tiny: tuple[float, ...] = ()
    """Seconds of `crucible run` on the tiny study, whole, with one worker and with two."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, with what follows from it."""
        crews = {"quick": self.quick, "thinned": self.thinned, "unmerged": self.unmerged}
        scaling = [each.to_json() for each in self.scaling]
        return {
            "machine": asdict(self.machine),
            "load": self.load,
            **{name: None if work is None else work.to_json() for name, work in crews.items()},
            "scaling": scaling,
            "tiny_seconds": list(self.tiny),
        }

    def to_markdown(self) -> str:
        """Tables for people."""
        machine = self.machine
        head = (
            f"# Workers: {machine.cpu}, {machine.cores} cores\n\n{machine.date}, Python {machine.python}."
            f" Load in the minute before: {self.load:.1f}. Written by `python -m benchmarks.workers`."
        )
        return (
            "\n\n".join(part for part in (head, self._quick(), self._scaling(), self._tiny()) if part) + "\n"
        )

    def _quick(self) -> str:
        crews = [work for work in (self.quick, self.thinned, self.unmerged) if work is not None]
        if not crews:
            return ""
        work, spent = crews[0], sorted({name for each in crews for name in each.spent})
        rows: list[tuple[str, str, Callable[[Work], str]]] = [
            ("trials a second, together", f"≥ {LEAST_PER_SECOND:.0f}", lambda w: f"{w.per_second:.1f}"),
            ("trials that failed", "0", lambda w: f"{w.failed}"),
            ("answers given twice", "0", lambda w: f"{w.repeated}"),
            ("deadlocks", "0", lambda w: f"{w.deadlocks}"),
            ("processor s a trial, workers", "", lambda w: f"{w.processor_seconds / w.trials:.3f}"),
            ("processor s a trial, PostgreSQL", "", lambda w: f"{w.server_seconds / w.trials:.3f}"),
            *((f"s a trial: {each}", "", partial(_spent, each)) for each in spent),
        ]
        lines = (f"| {name} | {' | '.join(map(show, crews))} | {needed} |" for name, needed, show in rows)
        return "\n".join(
            [
                f"## {work.workers} workers, {work.trials} quick trials, PostgreSQL\n",
                "Processor time includes starting up; the last rows are what one trial takes where all share"
                " these cores.\n",
                "| | linear | TIES | TIES, not merged | needed |",
                "|---|---|---|---|---|",
                *lines,
            ]
        )

    def _scaling(self) -> str:
        if not self.scaling:
            return ""
        one = self.scaling[0].per_second
        rows = (
            f"| {each.workers} | {each.per_second:.2f} | {each.per_second / one:.2f} |"
            for each in self.scaling
        )
        title = f"## Trials in which the engine takes {SLOW_S} s (four workers: ≥ {LEAST_SCALING:.0f} × one)"
        return "\n".join([f"{title}\n", "| workers | trials a second | × one |", "|---|---|---|", *rows])

    def _tiny(self) -> str:
        if not self.tiny:
            return ""
        one, two = self.tiny
        return (
            "## `crucible run` on the tiny study, transformers, start and verdict included\n\n"
            "| workers | seconds | of one's |\n|---|---|---|\n"
            f"| 1 | {one:.0f} | 1.00 |\n| 2 | {two:.0f} | {two / one:.2f} |\n\n"
            f"With cores to spare, two take ≤ {MOST_OF_TWO} of one's time."
        )


def _spent(name: str, work: Work) -> str:
    return f"{work.spent.get(name, 0.0) / work.trials:.3f}"


@contextmanager
def postgres(folder: Path) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server for as long as the block runs; gives the URL of an empty schema of any name."""
    import pgserver

    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    server = pgserver.get_server(folder / "postgres")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")

    def schema(name: str) -> str:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        engine.dispose()
        return url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(False)

    try:
        yield schema
    finally:
        server.cleanup()


def measure_quick(folder: Path, schema: Callable[[str], str], trials: int) -> tuple[Work, Work, Work]:
    """Eight workers, so many trials, an engine that answers at once: linear, TIES, and without merging."""

    def measure(name: str, method: str, merging: bool) -> Work:
        file = write_study(folder / name, trials, method=method)
        work = work_together(file, schema(name), CREW, merging=merging)
        say(f"{CREW} workers, {name}: {work.per_second:.1f} trials a second")
        return work

    return measure("quick", "linear", True), measure("thinned", "ties", True), measure("bare", "ties", False)


def measure_scaling(folder: Path, schema: Callable[[str], str]) -> tuple[Work, ...]:
    """One, two and four workers, twenty trials each, an engine that takes its time."""
    found = []
    for workers in (1, 2, 4):
        file = write_study(folder / f"slow{workers}", 20 * workers, SLOW_S)
        found.append(work_together(file, schema(f"slow{workers}"), workers))
        say(f"{workers} workers: {found[-1].per_second:.2f} trials a second")
    return tuple(found)


def measure_tiny(folder: Path, trials: int) -> tuple[float, float]:
    """`crucible run` on the tiny study with one worker, then with two."""

    def run(workers: int) -> float:
        place = folder / f"tiny{workers}"
        place.mkdir()
        storage = f"sqlite:///{place / 'crucible.db'}"
        command = [sys.executable, "-m", "search", "run", str(_tiny_study(place)), "--storage", storage]
        environment = {"PYTHONPATH": str(HERE.parent), "XDG_CACHE_HOME": str(place / "cache")}
        options = ["--trials", str(trials), "--workers", str(workers)]
        seconds = run_command([*command, *options], environment, place).seconds
        say(f"crucible run with {workers}: {seconds:.0f} s")
        return seconds

    return run(1), run(2)


def _tiny_study(folder: Path) -> Path:
    study = yaml.safe_load((TINY / "study.yaml").read_text())
    for part in study["slices"]:
        part["data"] = str(TINY / part["data"])
    study |= {"base_model": str(TINY / "base"), "experts": [str(TINY / each) for each in study["experts"]]}
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(study, sort_keys=False))
    return file


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results beside those of other machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}, with commas")
    parser.add_argument("--trials", type=int, default=500, help="of the quick part (500)")
    parser.add_argument("--tiny-trials", type=int, default=60, help="of the tiny part (60)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    given = parser.parse_args(arguments)
    parts = given.only.split(",")
    if unknown := sorted(set(parts) - set(PARTS)):
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(PARTS)}")
    machine, load = describe_machine(), os.getloadavg()[0]
    os.environ |= {"OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as temporary, postgres(Path(temporary)) as schema:
        folder = Path(temporary)
        quick, thinned, unmerged = (
            measure_quick(folder, schema, given.trials) if "quick" in parts else (None, None, None)
        )
        times = WorkerTimes(
            machine,
            load,
            quick,
            thinned,
            unmerged,
            measure_scaling(folder, schema) if "scaling" in parts else (),
            measure_tiny(folder, given.tiny_trials) if "tiny" in parts else (),
        )
    written = json.dumps(times.to_json(), indent=1) + "\n"
    given.out.mkdir(parents=True, exist_ok=True)
    name = f"{machine.slug}-workers" + ("" if set(parts) == set(PARTS) else "-partial")
    (given.out / f"{name}.json").write_text(written)
    (given.out / f"{name}.md").write_text(times.to_markdown())
    sys.stdout.write(written if given.json else times.to_markdown())


if __name__ == "__main__":
    main()
