"""Who takes part: searches by name, functions of an objective and a seed that run until it is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import optuna

from benchmarks.landscape.hyperband import smac
from benchmarks.landscape.objective import Objective
from benchmarks.landscape.optunas import cmaes, optunas
from benchmarks.landscape.ours import ours
from benchmarks.landscape.rivals import mergekit_evolve, mergenetic

Entry = Callable[[Objective, int], None]

OURS = ("auto", "tpe", "gp", "cmaes")
WORKERS = 8
ENTRIES: Mapping[str, Entry] = {
    "random": optunas(lambda seed: optuna.samplers.RandomSampler(seed=seed)),
    "optuna-tpe": optunas(lambda seed: optuna.samplers.TPESampler(seed=seed)),
    "optuna-cmaes": optunas(cmaes),
    "mergekit-evolve": mergekit_evolve,
    "mergekit-evolve-normalized": partial(mergekit_evolve, normalize=True),
    "mergenetic": mergenetic,
    "smac": smac,
    **{name: ours(name) for name in OURS},
    **{f"{name}+racing": ours(name, racing=True) for name in OURS},
    f"auto@{WORKERS}": ours("auto", workers=WORKERS),
    f"auto+racing@{WORKERS}": ours("auto", racing=True, workers=WORKERS),
}

_FIRST = ("auto+racing", "auto", "mergekit-evolve", "mergekit-evolve-normalized", "gp+racing", "tpe+racing")
_LAST = ("mergenetic", "smac")


def rank(entry: str) -> int:
    """In which round an entry is run, should time be short: what the claims are about comes first."""
    return 0 if entry in _FIRST else 2 if entry in _LAST else 1
