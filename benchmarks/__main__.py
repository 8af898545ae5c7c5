"""`make bench`: measures everything in one run, and writes a table (JSON and Markdown) and a plot.

python -m benchmarks [--only warm,cold,mergekit] [--methods ties,linear] [--runs 7] [--out DIR] ...
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.candidates import EXPERTS, chosen
from benchmarks.cold import Place, cache_environment, measure_cold, measure_growth
from benchmarks.machine import describe_machine
from benchmarks.models import Shape, build_models
from benchmarks.peers import SkippedError, find_mergekit, measure_peers
from benchmarks.results import Results, write_json
from benchmarks.samples import say
from benchmarks.tables import to_markdown
from benchmarks.warm import Models, devices, measure_warm, open_models, warm_run
from merging.methods.registry import METHODS, Method

HERE = Path(__file__).parent
PARTS = ("warm", "cold", "mergekit")
_COLD = ("ties", "task_arithmetic")
_MORE_EXPERTS = 6


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    models: Path
    out: Path
    caches: Path
    parts: tuple[str, ...]
    methods: tuple[Method, ...] | None
    runs: int
    mergekit_runs: int
    mergekit: str | None
    patience: float
    shape: Shape = field(default_factory=Shape)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.parts == PARTS and self.methods is None

    @property
    def place(self) -> Place:
        """Where whole processes write."""
        return Place(self.models / "work", self.patience)

    def picked(self, default: Sequence[str]) -> list[Method]:
        """The methods to measure where these are the usual ones."""
        return list(self.methods or (METHODS[name] for name in default))


def main() -> None:
    """Run the job that the command line describes."""
    job = parse()
    shutil.rmtree(job.place.folder, ignore_errors=True)
    # Before anything is compiled or looked up: a first run must not find what other runs left.
    os.environ |= cache_environment(job.caches)
    settings = {"runs": job.runs, "mergekit_runs": job.mergekit_runs, "parts": job.parts, "experts": EXPERTS}
    results = Results(describe_machine(), settings)
    for step in steps(job, results):
        save(job, results := step)
    save(job, replace(results, complete=True))


def parse(arguments: Sequence[str] | None = None) -> Job:
    """The job of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--models", type=Path, default=HERE / ".models", help="folder for built models (5.3 GB)"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument("--caches", type=Path, help="caches for warm runs; by default empty ones")
    parser.add_argument("--only", help=f"a comma-separated choice of {', '.join(PARTS)}")
    parser.add_argument("--methods", help="a comma-separated choice of methods")
    parser.add_argument("--runs", type=int, default=7, help="repetitions of ours (7)")
    parser.add_argument("--mergekit-runs", type=int, default=5, help="repetitions of mergekit's (5)")
    parser.add_argument(
        "--mergekit", help="a Python interpreter that has mergekit 0.1.5; else it is installed"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=30,
        help="seconds to wait per method while others compute (30)",
    )
    given = parser.parse_args(arguments)
    parts = tuple(given.only.split(",")) if given.only else PARTS
    if strays := {*parts} - {*PARTS} or {*(given.methods or "ties").split(",")} - {*METHODS}:
        parser.error(f"unknown: {', '.join(sorted(strays))}")
    models = given.models.resolve()
    return Job(
        models=models,
        out=given.out.resolve(),
        caches=(given.caches or models / "work" / "caches-warm").resolve(),
        parts=parts,
        methods=tuple(chosen(given.methods)) if given.methods else None,
        runs=given.runs,
        mergekit_runs=given.mergekit_runs,
        mergekit=given.mergekit,
        patience=given.patience,
    )


def steps(job: Job, results: Results) -> Iterator[Results]:
    """The results after each thing measured."""
    say(f"building models in {job.models}, unless they are there")
    folders = build_models(job.models, job.shape, _MORE_EXPERTS if "cold" in job.parts else EXPERTS)
    models = open_models(folders[: EXPERTS + 1], job.shape.layers, job.shape.nbytes)
    parts: dict[str, Callable[[Results], Iterator[Results]]] = {
        "warm": lambda so_far: _warm(job, so_far, models),
        "cold": lambda so_far: _cold(job, so_far, folders),
        "mergekit": lambda so_far: _peers(job, so_far, folders, models),
    }
    for part in (part for part in PARTS if part in job.parts):
        for step in parts[part](results):
            yield (results := step)


def save(job: Job, results: Results) -> None:
    """Write what there is; a choice of measurements never replaces a whole run's."""
    name = results.machine.slug + ("" if job.whole else "-partial")
    write_json(results, job.out / f"{name}.json")
    (job.out / f"{name}.md").write_text(to_markdown(results))
    if results.warm:
        from benchmarks.plot import draw

        draw(results, job.out / f"{name}.svg")


def _warm(job: Job, results: Results, models: Models) -> Iterator[Results]:
    for device in devices():
        for row in measure_warm(models, job.picked(tuple(METHODS)), device, job.runs, job.patience):
            yield (results := replace(results, warm=(*results.warm, row)))


def _cold(job: Job, results: Results, folders: Sequence[Path]) -> Iterator[Results]:
    methods = job.picked(_COLD)
    for row in measure_cold(job.place, folders, methods, job.runs):
        yield (results := replace(results, cold=(*results.cold, row)))
    for method in (method for method in methods if method.experts[1] is None):
        growth = measure_growth(job.place, folders, method, (EXPERTS, _MORE_EXPERTS))
        yield (results := replace(results, growth=(*results.growth, growth)))


def _peers(job: Job, results: Results, folders: Sequence[Path], models: Models) -> Iterator[Results]:
    try:
        python = find_mergekit(job.mergekit)
    except SkippedError as skipped:
        yield replace(results, notes=(*results.notes, f"mergekit was not measured: {skipped}"))
        return
    methods = [method for method in job.picked(_COLD) if method.mergekit]
    warm = lambda method: warm_run(models, method, "cpu")  # noqa: E731
    for row in measure_peers(job.place, folders, methods, warm, python, job.mergekit_runs):
        yield (results := replace(results, peers=(*results.peers, row)))


if __name__ == "__main__":
    main()
