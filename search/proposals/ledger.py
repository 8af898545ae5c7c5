"""Optuna's ledger: it owns the proposals, and nothing else.

Every proposal is drawn by a sampler seeded for that trial alone, and a trial whose process died is picked
up with the numbers it had. So a study that was killed and started again proposes what it would have
proposed anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from search.study_file.spec import SamplerSpec

RECIPE = "recipe"
"""The trial attribute that holds its recipe's digest."""

_STARTUP = 5
"""Trials before TPE models what it sees: half of Optuna's ten, for starting points are no blind draws."""

_SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=_STARTUP),
    "cmaes": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}


@dataclass(frozen=True)
class Ledger:
    """The proposals of one study, and who makes them."""

    study: optuna.Study
    sampler: SamplerSpec
    distributions: Mapping[str, BaseDistribution]

    def propose(self) -> Trial:
        """The next trial: an unfinished one of a process that died, else a new one."""
        unfinished = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        number = unfinished[0].number if unfinished else self.count()
        self._seed(number, "")
        trial = Trial(self.study, unfinished[0]._trial_id) if unfinished else self.study.ask()
        # What is drawn jointly is drawn now, and each of the rest from a seed of its own: a trial that was
        # cut off between two of its parameters gets the same ones again.
        assert trial.relative_params is not None
        for name, distribution in self.distributions.items():
            self._seed(number, name)
            _suggest(trial, name, distribution)
        return trial

    def _seed(self, number: int, name: str) -> None:
        self.study.sampler = _SAMPLERS[self.sampler.name](_seed(self.sampler.seed, number, name))

    def tell(self, trial: Trial, value: float) -> None:
        """Close a trial with its objective value."""
        self.study.tell(trial, value)

    def fail(self, trial: Trial) -> None:
        """Close a trial that could not be scored; samplers learn nothing from it."""
        self.study.tell(trial, state=TrialState.FAIL)

    def count(self, *, finished: bool = False) -> int:
        """How many trials there are, waiting ones not counted."""
        states = (TrialState.COMPLETE, TrialState.FAIL) if finished else None
        trials = self.study.get_trials(deepcopy=False, states=states)
        return sum(t.state != TrialState.WAITING for t in trials)


def open_ledger(
    name: str,
    url: str,
    sampler: SamplerSpec,
    distributions: Mapping[str, BaseDistribution],
    starting_points: Sequence[Mapping[str, Any]],
) -> Ledger:
    """Open the Optuna study `name`, new or known; a new one begins with the starting points."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(url)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        sampler=RandomSampler(seed=0),
    )
    for point in starting_points:
        study.enqueue_trial(dict(point), skip_if_exists=True)
    return Ledger(study, sampler, distributions)


def _suggest(trial: Trial, name: str, distribution: BaseDistribution) -> None:
    if isinstance(distribution, CategoricalDistribution):
        trial.suggest_categorical(name, distribution.choices)
    else:
        assert isinstance(distribution, FloatDistribution), f"{name}: no such parameter in a search space"
        trial.suggest_float(name, distribution.low, distribution.high)


def _seed(seed: int, number: int, name: str) -> int:
    """A seed of its own for every trial and parameter: 32 bits of sha256 over all three."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}/{name}".encode()).digest()[:4], "big")
