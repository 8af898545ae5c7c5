"""What a proposal costs: ours, and as Optuna alone makes it, after the same trials, on SQLite and PostgreSQL.

python -m benchmarks.proposals [--trials 500] [--params 192] [--proposals 20] [--samplers tpe] [--out DIR]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import process_time
from unittest.mock import patch

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from sqlalchemy import create_engine, make_url, text

from benchmarks.machine import Machine, describe_machine
from benchmarks.plain import SAMPLERS as PLAIN
from benchmarks.plain import PlainLedger
from benchmarks.samples import clock, say
from benchmarks.spent import Clock
from merging.recipe import ModelRef
from search.proposals import ledger as ours
from search.proposals.draw import draw
from search.proposals.ledger import Ledger, open_ledger
from search.proposals.space import SearchSpace
from search.study_file.search_space import SearchSpaceSpec
from search.study_file.spec import SAMPLERS, SamplerSpec
from studies.store import StudyStore
from studies.trials import Trials

HERE = Path(__file__).parent
_SAME = {True: "yes", False: "NO", None: "-"}
MOST = 0.05
"""Seconds that a proposal may take with the default sampler."""
MOST_MB = 20
NAMES = {"plain": "nothing in common", "sites": "of the sites of a model"}
STEPS = {"begin": "create", "read": "read", "fill": "write", "note": "note", "end": "tell"}
"""Transactions, and what the table calls them."""


@dataclass(frozen=True)
class Row:
    """Medians in seconds over the proposals of one sampler on one database."""

    database: str
    sampler: str
    before: float
    """Optuna's `ask`, and each parameter."""
    after: float
    """Our `create` and `draw`."""
    longest: float
    """The longest of ours."""
    cpu: float
    """As `after`, in CPU time of this process: what others do on the machine is not in it."""
    longest_cpu: float
    steps: Mapping[str, float]
    """What ours was spent on; `note` and `tell` come later and do not count as the proposal's."""
    reading: tuple[float, float]
    """The first look at all trials: Optuna's, and ours."""
    same: bool | None
    """Whether both proposed the same numbers each time; None for samplers of ours."""
    megabytes: float | None
    """Of our database file, with a candidate and its recipe for each trial; None for a server."""


def measure(urls: tuple[str, str], database: str, sampler: str, job: argparse.Namespace) -> Row:
    """Both propose in turns, each in a store of its own that began with the same trials."""
    sites = job.names == "sites"
    space = search_space(job.params).distributions if sites else plain_space(job.params)
    spec, watch = SamplerSpec.model_validate({"name": sampler, "seed": 0}), Clock()
    for url in urls:
        with closing(open_ledger("study", url, spec, space, [])) as book:
            fill(book, job.trials)
    with ExitStack() as stack:
        # Beside samplers of ours, Optuna alone is asked for random numbers.
        other = spec if sampler in PLAIN else SamplerSpec(name="random")
        plain = stack.enter_context(closing(PlainLedger.open("study", urls[0], other, space)))
        mine = stack.enter_context(closing(open_ledger("study", urls[1], spec, space, [])))
        reading = clock(plain.count), clock(mine.history.refresh)
        stack.enter_context(_watched(watch))
        turns = [_turn(plain, mine, watch) for _ in range(job.proposals + 1)][1:]
    before, after, cpu, steps, same = zip(*turns, strict=True)
    return Row(
        database,
        sampler,
        median(before),
        median(after),
        max(after),
        median(cpu),
        max(cpu),
        _medians(steps),
        reading,
        all(same) if sampler in PLAIN else None,
        megabytes(urls[1], search_space(job.params), job) if database == "sqlite" and sites else None,
    )


def plain_space(count: int) -> dict[str, BaseDistribution]:
    """So many numbers that have nothing in common."""
    return {f"x{i:03}": FloatDistribution(0.0, 1.0) for i in range(count)}


def search_space(count: int) -> SearchSpace:
    """That of a study with so many numbers: weights and densities of three experts in each layer."""
    spec = SearchSpaceSpec(methods=("ties",), modules=())
    names = ("math", "code", "chat")
    experts = tuple(ModelRef(f"/models/{name}", hashlib.sha256(name.encode()).hexdigest()) for name in names)
    return SearchSpace(spec, experts[0], experts, names, count // 6 - 1, "bfloat16", 0)


def megabytes(url: str, space: SearchSpace, job: argparse.Namespace) -> float:
    """The database once the study store has a candidate with its recipe for each of its trials."""
    with closing(open_ledger("study", url, SamplerSpec(), space.distributions, [])) as book:
        book.history.refresh()
        drawn = [book.draw(number).params for number in range(job.trials + job.proposals + 1)]
    with StudyStore(url) as store:
        study = store.begin("study", {})
        for number, params in enumerate(drawn):
            store.enter(study, "trial", f"trial {number}", number, space.decode(params))
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(str(make_url(url).database)).stat().st_size / 1e6


def fill(book: Ledger, count: int) -> None:
    """So many finished trials, the later ones nearer to the best."""
    random, names = np.random.RandomState(0), list(book.distributions)
    for i in range(count):
        number = book.create()
        values = np.clip(0.3 + (1 - 0.8 * i / count) * (random.rand(len(names)) - 0.3), 0, 1).tolist()
        drawn = {name: (value, book.history.json[name]) for name, value in zip(names, values, strict=True)}
        book.history.refresh()
        book.trials.fill(book.history[number], drawn, {}, {})
        book.tell(number, _worth(values))


def _turn(
    plain: PlainLedger, mine: Ledger, watch: Clock
) -> tuple[float, float, float, dict[str, float], bool]:
    found: list[ours.Proposal] = []
    before = clock(lambda: found.append(plain.propose()))
    plain.tell(found[0].number, _worth([*found[0].params.values()]))
    watch.take()
    spent = process_time()
    after = clock(lambda: found.append(mine.draw(mine.create())))
    spent = process_time() - spent
    mine.note(found[1].number, "digest")
    mine.tell(found[1].number, _worth([*found[1].params.values()]))
    return before, after, spent, watch.take(), found[0] == found[1]


def _worth(values: Sequence[float]) -> float:
    return -float(np.mean(np.square(np.array(values) - 0.3)))


@contextmanager
def _watched(watch: Clock) -> Iterator[None]:
    with ExitStack() as stack:
        for name, label in STEPS.items():
            timed = watch.timed(label, getattr(Trials, name))
            stack.enter_context(patch.object(Trials, name, timed))
        stack.enter_context(patch.object(ours, "draw", watch.timed("sampler", draw)))
        yield


def _medians(steps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(step.get(name, 0.0) for step in steps) for name in steps[0]}


@contextmanager
def databases(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """URL patterns of databases, with `{}` for a name; PostgreSQL as `pgserver` brings it."""
    with tempfile.TemporaryDirectory() as folder:
        patterns = {"sqlite": f"sqlite:///{folder}/{{}}.db"}
        if "postgres" not in names:
            yield patterns
            return
        import pgserver

        server = pgserver.get_server(f"{folder}/postgres")
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            yield patterns | {"postgres": url.render_as_string(hide_password=False)}
        finally:
            server.cleanup()


def stores(pattern: str, sampler: str) -> tuple[str, str]:
    """Two empty stores."""
    names = (f"{sampler}_before", f"{sampler}_after")
    if pattern.startswith("sqlite"):
        return pattern.format(names[0]), pattern.format(names[1])
    engine = create_engine(pattern)
    with engine.begin() as connection:
        for name in names:
            connection.execute(text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    url = make_url(pattern)
    options = [url.update_query_dict({"options": f"-csearch_path={name}"}) for name in names]
    return options[0].render_as_string(hide_password=False), options[1].render_as_string(hide_password=False)


def to_markdown(machine: Machine, job: argparse.Namespace, rows: Sequence[Row]) -> str:
    """A table for people."""
    lines = [
        f"# What a proposal costs: {machine.cpu}, {machine.cores} cores",
        "",
        f"{machine.date}, Python {machine.python}. {job.params} parameters ({NAMES[job.names]}) after"
        f" {job.trials} trials, medians over {job.proposals} proposals in ms; load average"
        f" {os.getloadavg()[0]:.1f}. Written by `python -m benchmarks.proposals`.",
        "",
        "| database | sampler | before | after | longest | CPU | longest CPU | create | read | sampler"
        " | write | note | tell | same |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        parts = ("create", "read", "sampler", "write", "note", "tell")
        whole = (row.before, row.after, row.longest, row.cpu, row.longest_cpu)
        times = [*whole, *(row.steps.get(part, 0.0) for part in parts)]
        cells = " | ".join(f"{1000 * each:.1f}" for each in times)
        lines.append(f"| {row.database} | {row.sampler} | {cells} | {_SAME[row.same]} |")
    lines += [
        "",
        "A proposal is `create`, `read`, `sampler` and `write`; `same`: both proposed the same"
        " numbers. The first look at all trials took",
    ]
    looks = [f"{r.reading[0]:.2f} s before, {r.reading[1]:.2f} s after ({r.database})" for r in rows[:2]]
    lines += ["; ".join(looks) + ".", ""]
    for row in (row for row in rows if row.sampler in ("auto", "tpe")):
        mark = "✓" if row.after <= MOST else "✗"
        took = f"{1000 * row.after:.1f} ms (at most {1000 * MOST:.0f} ms) {mark}"
        lines.append(f"- {row.sampler} on {row.database}: {took}; {1000 * row.cpu:.1f} ms of CPU time")
    for row in rows:
        if row.megabytes is None:
            continue
        mark = "✓" if row.megabytes <= MOST_MB else "✗"
        said = "with a candidate and its recipe for each trial, after a checkpoint of its log"
        lines.append(
            f"- database of {row.sampler}: {row.megabytes:.1f} MB, {said} (at most {MOST_MB} MB) {mark}"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results beside those of other machines."""
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proposals", description=about)
    parser.add_argument("--trials", type=int, default=500, help="finished trials that the store holds (500)")
    parser.add_argument("--params", type=int, default=192, help="parameters of each (192)")
    parser.add_argument("--names", default="plain", choices=tuple(NAMES), help="what parameters are (plain)")
    parser.add_argument("--proposals", type=int, default=20, help="proposals measured (20)")
    parser.add_argument("--samplers", default="tpe", help=f"a choice of {', '.join(SAMPLERS)}")
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    job = parser.parse_args(arguments)
    machine, rows = describe_machine(), []
    with databases(job.databases.split(",")) as patterns:
        for sampler in job.samplers.split(","):
            for database in job.databases.split(","):
                say(f"{sampler} on {database}")
                rows.append(measure(stores(patterns[database], sampler), database, sampler, job))
    tail = "" if job.names == "plain" else f"-{job.names}"
    job.out.mkdir(parents=True, exist_ok=True)
    results = {"machine": asdict(machine), "trials": job.trials, "params": job.params, "names": job.names}
    written = json.dumps({**results, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
    (job.out / f"{machine.slug}-proposals{tail}.json").write_text(written)
    (job.out / f"{machine.slug}-proposals{tail}.md").write_text(to_markdown(machine, job, rows))
    sys.stdout.write(to_markdown(machine, job, rows))


if __name__ == "__main__":
    main()
