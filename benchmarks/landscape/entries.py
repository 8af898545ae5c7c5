"""Who takes part: searches by name, functions of an objective and a seed that run until it is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import optuna

from benchmarks.landscape.findings.rows import UNRACED
from benchmarks.landscape.ground import Ground
from benchmarks.landscape.hyperband import smac
from benchmarks.landscape.objective import Objective
from benchmarks.landscape.optunas import cmaes, optunas
from benchmarks.landscape.ours import ours
from benchmarks.landscape.rivals import mergekit_evolve, mergenetic

Search = Callable[[Objective, int], None]

FEW = 64
"""Items of a slice: as many as the tiny study has. A whole trial of the budget has these."""
OURS = ("auto", "tpe", "gp", "cmaes")
WORKERS = 8


@dataclass(frozen=True)
class Entry:
    """A search, and what it asks."""

    search: Search
    each: int | None = FEW
    """Of a slice so many search items at most; None: all that holdout leaves."""

    def objective(self, ground: Ground, trials: int, until: float = float("inf")) -> Objective:
        """What it has to spend: the items of so many whole trials."""
        return Objective(ground, trials * ground.count(FEW), until, self.each)


ENTRIES: Mapping[str, Entry] = {
    "random": Entry(optunas(lambda seed: optuna.samplers.RandomSampler(seed=seed))),
    "optuna-tpe": Entry(optunas(lambda seed: optuna.samplers.TPESampler(seed=seed))),
    "optuna-cmaes": Entry(optunas(cmaes)),
    "mergekit-evolve": Entry(mergekit_evolve),
    "mergekit-evolve-normalized": Entry(partial(mergekit_evolve, normalize=True)),
    "mergekit-evolve-all": Entry(mergekit_evolve, None),
    "mergenetic": Entry(mergenetic),
    "smac": Entry(smac),
    "smac-all": Entry(smac, None),
    **{name: Entry(ours(name), None) for name in OURS},
    **{name + UNRACED: Entry(ours(name, racing=False), None) for name in OURS},
    "auto-few": Entry(ours("auto")),
    f"auto-few{UNRACED}": Entry(ours("auto", racing=False)),
    f"auto@{WORKERS}": Entry(ours("auto", workers=WORKERS), None),
}

_FIRST = ("auto", f"auto{UNRACED}", "mergekit-evolve", "mergekit-evolve-normalized", "gp", "tpe")
_LAST = ("mergenetic", "smac", "smac-all")


def rank(entry: str) -> int:
    """In which round an entry is run, should time be short: what the claims are about comes first."""
    return 0 if entry in _FIRST else 2 if entry in _LAST else 1
