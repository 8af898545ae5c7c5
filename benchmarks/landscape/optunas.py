"""Random search, and Optuna's samplers as they come, on the study's own space."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from benchmarks.landscape.objective import Objective


def optunas(sampler: Callable[[int], BaseSampler]) -> Callable[[Objective, int], None]:
    """An entry: a study in memory, asked and told until the budget is spent."""

    def search(objective: Objective, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        space = objective.ground.workshop.space
        study = optuna.create_study(direction="maximize", sampler=sampler(seed))
        while True:
            trial = study.ask(space.distributions)
            study.tell(trial, objective.whole(space.decode(trial.params)))

    return search


def cmaes(seed: int) -> BaseSampler:
    """CMA-ES with its defaults; numbers only, and the rest drawn at random without a warning of it."""
    return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
