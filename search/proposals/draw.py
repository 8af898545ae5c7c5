"""What the sampler draws for one trial, given all that is known of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, NSGAIISampler, RandomSampler, TPESampler

from search.proposals import tpe
from search.proposals.desk import Desk
from search.proposals.history import History
from studies.trials import StoredTrial

STARTUP = 5
"""Trials before TPE models what it sees: half of Optuna's ten, for starting points are no blind draws."""

_SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=STARTUP),
    "cmaes": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}


@dataclass(frozen=True)
class Draw:
    """What goes into the database: parameters, and what the sampler keeps with the trial and the study."""

    params: Mapping[str, tuple[float, str]]
    kept: Mapping[str, Any]
    kept_of_study: Mapping[str, Any]


def draw(
    history: History,
    trial: StoredTrial,
    missing: Mapping[str, BaseDistribution],
    sampler: str,
    seed: Callable[[int, str], int],
) -> Draw:
    """Draw the missing parameters of a trial.

    What is drawn jointly is drawn first, and each of the rest from a seed of its own: a trial that an older
    version left between two of its parameters gets the same ones again.
    """
    desk = Desk(history, trial)
    given = trial.attributes.get("fixed_params", {})
    jointly = _jointly(desk, trial, sampler, seed(trial.number, ""))
    drawn: dict[str, tuple[float, str]] = {}
    for name, distribution in missing.items():
        if name in given:
            value = given[name]
        elif name in jointly and _holds(distribution, jointly[name]):
            value = jointly[name]
        else:
            alone = _SAMPLERS[sampler](seed(trial.number, name))
            value = alone.sample_independent(desk.study, desk.trial, name, distribution)
        drawn[name] = float(distribution.to_internal_repr(value)), history.json[name]
    return Draw(drawn, desk.kept, desk.kept_of_study)


def _jointly(desk: Desk, trial: StoredTrial, name: str, seed: int) -> dict[str, Any]:
    """What the sampler draws in one go."""
    history = desk.history
    known = history.complete() if history.uniform else []
    if name == "tpe" and len(known) >= STARTUP and (pending := history.pending(trial.number)) is not None:
        return _by_arrays(history, pending, seed)
    sampler = _SAMPLERS[name](seed)
    if known and name in ("cmaes", "nsga2"):
        # What Optuna would find by comparing every distribution of every trial.
        numbers_only = name == "cmaes"
        space = {
            each: distribution
            for each, distribution in history.distributions.items()
            if not (numbers_only and isinstance(distribution, CategoricalDistribution))
        }
    else:
        space = sampler.infer_relative_search_space(desk.study, desk.trial)
    drawn: dict[str, Any] = sampler.sample_relative(desk.study, desk.trial, space)
    return drawn


def _by_arrays(history: History, pending: Mapping[int, tpe.Array], seed: int) -> dict[str, Any]:
    """TPE's proposal; trials that are being measured count as bad ones, so that nobody tries beside them."""
    rows, scores = history.scored()
    good, bad = tpe.good_and_bad(scores)
    numbers, others = np.array([*np.array(history.complete())[bad], *pending]), rows[bad]
    if pending:
        others = np.vstack([others, *pending.values()])[np.argsort(numbers)]
    distributions = history.distributions
    random = np.random.RandomState(seed)
    chosen = tpe.propose(rows[good], others, [*distributions.values()], random)
    pairs = zip(distributions.items(), chosen.tolist(), strict=True)
    return {name: each.to_external_repr(number) for (name, each), number in pairs}


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    """Whether the value is one of the distribution's: of numbers, rounding may carry one over the edge."""
    number = distribution.to_internal_repr(value)
    return not isinstance(distribution, FloatDistribution) or distribution.low <= number <= distribution.high
