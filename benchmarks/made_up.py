"""What samplers find on made-up landscapes: one worker and eight, with a cap, and beside Optuna's own.

python -m benchmarks.made_up in-flight|cap|optuna [--seeds 20] [--trials 60] [--out DIR]

A landscape has experts at sites, a best place for each of its numbers, near each other at all sites, and 192
items that are right or wrong. What counts is the true score of the trial with the best score.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution

from benchmarks.machine import describe_machine
from search.proposals.samplers import evolution, process
from search.proposals.samplers.coordinates import Array, Coordinates

HERE = Path(__file__).parent
ITEMS = 192
WORKERS = 8
MODULES = ("mlp", "self_attn")


@dataclass(frozen=True)
class Landscape:
    """A search space, and where in it the best is."""

    place: Coordinates
    space: dict[str, BaseDistribution]
    best: Array
    seed: int

    @classmethod
    def of(cls, numbers: int, seed: int, *, shared: bool = True) -> Landscape:
        """So many numbers of two kinds and three experts; unless `shared`, each by itself, by its name."""
        sites = [f"layer{i // 2}.{MODULES[i % 2]}" for i in range(numbers // 6 - 1)] + ["outer"]
        names = [f"{kind}.{site}.{e}" for kind in ("density", "weight") for site in sites for e in "abc"]
        names = names if shared else [f"x{i:03}" for i in range(numbers)]
        space: dict[str, BaseDistribution] = {name: FloatDistribution(0.0, 1.0) for name in sorted(names)}
        place, random = Coordinates.of(space), np.random.RandomState(seed)
        best = random.uniform(0.3, 0.8, place.coarse_count)[place.group] + 0.1 * random.randn(numbers)
        return cls(place, space, np.clip(best, 0, 1), seed)

    def truth(self, point: Array) -> float:
        """The share of all items that a point has right, in the end."""
        coarse, residual = (
            part(point[None] - self.best)[0] for part in (self.place.coarse, self.place.residual)
        )
        quality = 2.0 - 14 * np.mean(coarse**2) - 6 * np.mean(residual**2)
        return float(1 / (1 + np.exp(-quality)))

    def score(self, point: Array) -> float:
        """The share of its items; their luck is another one at each point."""
        own = np.frombuffer(point.tobytes(), np.uint32).sum(dtype=np.uint64)
        random = np.random.RandomState((int(own) + self.seed) % 2**32)
        return float(random.binomial(ITEMS, self.truth(point)) / ITEMS)

    @property
    def starts(self) -> Array:
        """Every number timid, and some bolder ones: [4, parameters]."""
        return np.array([np.full(len(self.best), each) for each in (0.1, 0.3, 0.5, 0.9)])


Propose = Callable[[Array, Array, Array, int], Array]


def by_process(land: Landscape, trials: int, *, blind: bool = False) -> Propose:
    """Proposals of `gp`; a blind one does not see what is being measured."""
    fitted = process.Fitted()

    def propose(points: Array, scores: Array, pending: Array, number: int) -> Array:
        seen = pending[:0] if blind else pending
        return process.propose(land.place, points, scores, seen, 1000 * land.seed + number, fitted)

    return propose


def by_evolution(land: Landscape, trials: int) -> Propose:
    """Proposals of `cmaes`."""
    played: evolution.Played = []

    def propose(points: Array, scores: Array, pending: Array, number: int) -> Array:
        given = [i < len(land.starts) for i in range(len(points))]
        known = evolution.Known(points, scores, given)
        return evolution.propose(land.place, known, trials, 1000 * land.seed + number, played)

    return propose


@dataclass(frozen=True)
class Found:
    """One search: what it found, and the CPU time of its proposals in seconds, median and longest."""

    landscape: str
    entry: str
    seed: int
    truth: float
    median: float
    longest: float


def search(land: Landscape, propose: Propose, trials: int, workers: int = 1) -> tuple[Array, list[float]]:
    """The best trial by its score; each worker has begun before the first has an answer."""
    points, told, took = list(land.starts), dict[int, float](), list[float]()
    for number in range(trials):
        if number >= len(land.starts):
            known, rows = sorted(told), np.array(points)
            waiting = rows[[i for i in range(number) if i not in told]]
            began = time.process_time()
            points.append(propose(rows[known], np.array([told[i] for i in known]), waiting, number))
            took.append(time.process_time() - began)
        if number >= workers - 1:
            told[number - workers + 1] = land.score(points[number - workers + 1])
    for number in range(trials):
        told.setdefault(number, land.score(points[number]))
    return points[max(told, key=lambda i: (told[i], -i))], took


def in_flight(seed: int, trials: int) -> Iterator[Found]:
    """One worker and eight; and eight that do not see what the others try."""
    land = Landscape.of(24, seed)
    for name, by in (("gp", by_process), ("cmaes", by_evolution)):
        for workers in (1, WORKERS):
            yield found(land, "24 numbers", f"{name}, {workers} at once", by(land, trials), trials, workers)
    blind = by_process(land, trials, blind=True)
    yield found(land, "24 numbers", f"gp blind, {WORKERS} at once", blind, trials, WORKERS)


def cap(seed: int, trials: int) -> Iterator[Found]:
    """All trials looked at, and 352 of them."""
    for numbers in (24, 192):
        land = Landscape.of(numbers, seed)
        for newest, name in ((process.NEWEST, "gp, all trials"), (224, "gp, 352 trials")):
            process.NEWEST, before = newest, process.NEWEST
            yield found(land, f"{numbers} numbers", name, by_process(land, trials), trials)
            process.NEWEST = before


def optuna(seed: int, trials: int) -> Iterator[Found]:
    """Ours and Optuna's GPSampler, where sites share coordinates and where nothing is shared."""
    for shared in (True, False):
        land = Landscape.of(24, seed, shared=shared)
        name = "24 numbers" if shared else "24 numbers, none shared"
        yield found(land, name, "gp", by_process(land, trials), trials)
        yield found(land, name, "Optuna's GPSampler", by_optuna(land), trials)


def by_optuna(land: Landscape) -> Propose:
    """Proposals of Optuna's own, for one worker."""
    import optuna as library

    library.logging.set_verbosity(library.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = library.samplers.GPSampler(seed=land.seed, n_startup_trials=len(land.starts))
    study = library.create_study(direction="maximize", sampler=sampler)
    asked: list[Any] = []

    def propose(points: Array, scores: Array, pending: Array, number: int) -> Array:
        for point, score in list(zip(points, scores, strict=True))[len(study.trials) - len(asked) :]:
            params = dict(zip(land.space, point.tolist(), strict=True))
            if asked:
                study.tell(asked.pop(), score)
            else:
                made = library.trial.create_trial(params=params, distributions=land.space, value=score)
                study.add_trial(made)
        asked.append(study.ask(land.space))
        return np.array([asked[0].params[name] for name in land.space])

    return propose


def found(
    land: Landscape, landscape: str, entry: str, propose: Propose, trials: int, workers: int = 1
) -> Found:
    """What a search found."""
    best, took = search(land, propose, trials, workers)
    return Found(landscape, entry, land.seed, land.truth(best), float(np.median(took)), max(took))


def compared(rows: Sequence[Found]) -> Iterator[str]:
    """Lines of a table: the mean of each entry, by how much it differs from the first, and its interval."""
    head = (
        "landscape",
        "entry",
        "seeds",
        "true score, %",
        "less the first, 95%",
        "CPU ms, median",
        "longest",
    )
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for land in dict.fromkeys(row.landscape for row in rows):
        here = [row for row in rows if row.landscape == land]
        entries = list(dict.fromkeys(row.entry for row in here))
        first = {row.seed: row.truth for row in here if row.entry == entries[0]}
        for entry in entries:
            own = [row for row in here if row.entry == entry]
            truth = 100 * np.mean([row.truth for row in own])
            median, longest = np.median([row.median for row in own]), max(row.longest for row in own)
            less = np.array([100 * (row.truth - first[row.seed]) for row in own])
            said = "" if entry == entries[0] else _interval(less)
            times = f"{1e3 * median:.0f} | {1e3 * longest:.0f}"
            yield f"| {land} | {entry} | {len(own)} | {truth:.1f} | {said} | {times} |"


def _interval(less: Array) -> str:
    if len(less) < 2:
        return f"{less.mean():+.1f}"
    from scipy.stats import t

    half = t.ppf(0.975, len(less) - 1) * less.std(ddof=1) / np.sqrt(len(less))
    return f"{less.mean():+.1f} [{less.mean() - half:+.1f}, {less.mean() + half:+.1f}]"


KINDS = {"in-flight": in_flight, "cap": cap, "optuna": optuna}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results beside those of other machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.made_up", description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=tuple(KINDS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=10, help="no further seed is begun after these (10)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    job = parser.parse_args(arguments)
    began, rows = time.monotonic(), list[Found]()
    for seed in range(job.seeds):
        if time.monotonic() - began < 60 * job.minutes:
            rows += KINDS[job.kind](seed, job.trials)
    machine = describe_machine()
    about = f"{machine.date}, Python {machine.python}; {job.trials} trials, {ITEMS} items each."
    title = f"# Samplers on made-up landscapes ({job.kind}): {machine.cpu}, {machine.cores} cores"
    command = f"Written by `python -m benchmarks.made_up {job.kind}`."
    text = "\n".join((title, "", f"{about} {command}", "", *compared(rows))) + "\n"
    results = {"machine": asdict(machine), "trials": job.trials, "rows": [asdict(row) for row in rows]}
    job.out.mkdir(parents=True, exist_ok=True)
    (job.out / f"{machine.slug}-made-up-{job.kind}.json").write_text(json.dumps(results, indent=1) + "\n")
    (job.out / f"{machine.slug}-made-up-{job.kind}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
