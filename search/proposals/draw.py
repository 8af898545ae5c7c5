"""What the sampler draws for one trial, given all that is known of the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from threadpoolctl import ThreadpoolController

from search.proposals import tpe
from search.proposals.desk import Desk
from search.proposals.history import History
from search.proposals.samplers import evolution, process
from studies.trials import StoredTrial

STARTUP = 5
"""Trials before TPE models what it sees: half of Optuna's ten, for starting points are no blind draws."""

_OWN = ("gp", "cmaes")
"""Samplers of our own."""
_POINT = "fixed_params"

_OF_OPTUNA: Mapping[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=STARTUP),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}


class _Sobol(QMCSampler):  # type: ignore[misc]  # Optuna is untyped
    """Optuna's, at the point of the sequence that a trial's number says: no two workers get the same one."""

    def __init__(self, seed: int, number: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            super().__init__(qmc_type="sobol", scramble=True, seed=seed, warn_independent_sampling=False)
        self.number = number

    def _find_sample_id(self, study: Any, search_space: Any) -> int:
        return self.number


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
    trials: int,
) -> Draw:
    """Draw the missing parameters of a trial, in a study that is to have so many trials.

    What is drawn jointly is drawn first, and each of the rest from a seed of its own: a trial that an older
    version left between two of its parameters gets the same ones again.
    """
    desk = Desk(history, trial)
    given = trial.attributes.get(_POINT, {})
    if all(name in given for name in missing) and sampler in _OWN:
        jointly: Mapping[str, Any] = {}
    elif sampler in _OWN:
        jointly = _by_our_own(history, trial.number, sampler, seed, trials)
    else:
        jointly = _jointly(desk, trial, sampler, seed)
    drawn: dict[str, tuple[float, str]] = {}
    for name, distribution in missing.items():
        if name in given:
            value = given[name]
        elif name in jointly and _holds(distribution, jointly[name]):
            value = jointly[name]
        else:
            alone = _OF_OPTUNA.get(sampler, _OF_OPTUNA["random"])(seed(trial.number, name))
            value = alone.sample_independent(desk.study, desk.trial, name, distribution)
        drawn[name] = float(distribution.to_internal_repr(value)), history.json[name]
    return Draw(drawn, desk.kept, desk.kept_of_study)


def _jointly(desk: Desk, trial: StoredTrial, name: str, seed: Callable[[int, str], int]) -> dict[str, Any]:
    """What one of Optuna's samplers draws in one go."""
    history, own = desk.history, seed(trial.number, "")
    drawn: dict[str, Any]
    if name == "qmc":
        sobol = _Sobol(seed(0, "sobol"), trial.number)
        drawn = sobol.sample_relative(desk.study, desk.trial, history.distributions)
        return drawn
    known = history.complete() if history.uniform else []
    pending = history.pending(trial.number)
    alone = len(history.directions) == 1
    if name == "tpe" and alone and len(known) >= STARTUP and pending is not None:
        return _by_arrays(history, pending, own)
    sampler = _OF_OPTUNA[name](own)
    if known and name == "nsga2":
        # What Optuna would find by comparing every distribution of every trial.
        space = history.distributions
    else:
        space = sampler.infer_relative_search_space(desk.study, desk.trial)
    drawn = sampler.sample_relative(desk.study, desk.trial, space)
    return drawn


def _by_our_own(
    history: History, number: int, name: str, seed: Callable[[int, str], int], trials: int
) -> dict[str, Any]:
    """What a Gaussian process or CMA-ES proposes, from the trials that were drawn from this very space."""
    place, (numbers, rows, scores) = history.coordinates, history.known()
    points, own = place.to_unit(rows), seed(number, "")
    # With more threads their number would decide the last bits, and so another machine what is proposed.
    with _linear_algebra().limit(limits=1, user_api="blas"):
        if name == "gp":
            pending = place.to_unit(history.being_measured(number))
            point = process.propose(place, points, scores, pending, own, history.fitted)
        else:
            given = [_POINT in history[each].attributes for each in numbers]
            known = evolution.Known(points, scores, given)
            point = evolution.propose(place, known, trials, own, history.played)
    pairs = zip(history.distributions.items(), place.from_unit(point[None])[0].tolist(), strict=True)
    return {each: distribution.to_external_repr(value) for (each, distribution), value in pairs}


@cache
def _linear_algebra() -> ThreadpoolController:
    """The libraries of this process, which take a while to be found."""
    return ThreadpoolController()


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
