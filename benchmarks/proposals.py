"""What a proposal costs: ours, and as Optuna alone makes it, after the same trials, on SQLite and PostgreSQL.

python -m benchmarks.proposals [--trials 500] [--params 192] [--proposals 20] [--samplers tpe] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from sqlalchemy import create_engine, make_url, text

from benchmarks.machine import Machine, describe_machine
from benchmarks.plain import SAMPLERS as PLAIN
from benchmarks.plain import PlainLedger
from benchmarks.samples import clock, say
from benchmarks.spent import Clock
from search.proposals import ledger as ours
from search.proposals.draw import draw
from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SAMPLERS, SamplerSpec
from studies.trials import Trials

HERE = Path(__file__).parent
_SAME = {True: "yes", False: "NO", None: "-"}
MOST = 0.05
"""Seconds that a proposal may take with the default sampler."""
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
    steps: Mapping[str, float]
    """What ours was spent on; `note` and `tell` come later and do not count as the proposal's."""
    reading: tuple[float, float]
    """The first look at all trials: Optuna's, and ours."""
    same: bool | None
    """Whether both proposed the same numbers each time; None for samplers of ours."""


def measure(urls: tuple[str, str], database: str, sampler: str, job: argparse.Namespace) -> Row:
    """Both propose in turns, each in a store of its own that began with the same trials."""
    space: dict[str, BaseDistribution] = {f"x{i:03}": FloatDistribution(0.0, 1.0) for i in range(job.params)}
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
    before, after, steps, same = zip(*turns, strict=True)
    alike = all(same) if sampler in PLAIN else None
    return Row(database, sampler, median(before), median(after), max(after), _medians(steps), reading, alike)


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


def _turn(plain: PlainLedger, mine: Ledger, watch: Clock) -> tuple[float, float, dict[str, float], bool]:
    found: list[ours.Proposal] = []
    before = clock(lambda: found.append(plain.propose()))
    plain.tell(found[0].number, _worth([*found[0].params.values()]))
    watch.take()
    after = clock(lambda: found.append(mine.draw(mine.create())))
    mine.note(found[1].number, "digest")
    mine.tell(found[1].number, _worth([*found[1].params.values()]))
    return before, after, watch.take(), found[0] == found[1]


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
        f"{machine.date}, Python {machine.python}. {job.params} parameters after {job.trials} trials, medians"
        f" over {job.proposals} proposals in ms; load average {os.getloadavg()[0]:.1f}. Written by"
        " `python -m benchmarks.proposals`.",
        "",
        "| database | sampler | before | after | longest | create | read | sampler | write | note | tell"
        " | same |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        parts = ("create", "read", "sampler", "write", "note", "tell")
        times = [row.before, row.after, row.longest, *(row.steps.get(part, 0.0) for part in parts)]
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
        lines.append(f"- {row.sampler} on {row.database}: {took}")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results beside those of other machines."""
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proposals", description=about)
    parser.add_argument("--trials", type=int, default=500, help="finished trials that the store holds (500)")
    parser.add_argument("--params", type=int, default=192, help="parameters of each (192)")
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
    job.out.mkdir(parents=True, exist_ok=True)
    results = {"machine": asdict(machine), "trials": job.trials, "params": job.params}
    written = json.dumps({**results, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
    (job.out / f"{machine.slug}-proposals.json").write_text(written)
    (job.out / f"{machine.slug}-proposals.md").write_text(to_markdown(machine, job, rows))
    sys.stdout.write(to_markdown(machine, job, rows))


if __name__ == "__main__":
    main()
