"""SMAC with Hyperband over the number of items, as 2502.04030 searches: eta 3, the operator a choice.

Source: Su and Geiping, Fine, I'll Merge It Myself (2502.04030); SMAC3's multi-fidelity facade.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution

from benchmarks.landscape.objective import Objective
from benchmarks.landscape.rivals import needed
from search.proposals.space import SearchSpace

ETA = 3
LEAST = 10
"""The smallest budget is a tenth of the largest, as theirs: 100 items of 1000."""


def smac(objective: Objective, seed: int) -> None:
    """Asked and told until the budget is spent; only a candidate that saw all items can be the incumbent.

    A candidate that is promoted keeps the items that it has answered.
    """
    package, scenarios = needed("smac"), needed("smac.scenario")
    runhistory = needed("smac.runhistory.dataclasses")
    logging.getLogger("smac").setLevel(logging.ERROR)
    space = objective.ground.workshop.space
    configurations = _configurations(space, seed)
    with tempfile.TemporaryDirectory() as folder:
        scenario = scenarios.Scenario(
            configurations,
            output_directory=Path(folder),
            deterministic=True,
            n_trials=100 * objective.budget // objective.size,
            min_budget=objective.size / LEAST,
            max_budget=objective.size,
            seed=seed,
        )
        facade = package.MultiFidelityFacade
        optimizer = facade(
            scenario,
            lambda config, seed, budget: 0.0,
            intensifier=facade.get_intensifier(scenario, eta=ETA),
            initial_design=facade.get_initial_design(
                scenario, additional_configs=_single_experts(space, configurations)
            ),
            logging_level=logging.ERROR,
            overwrite=True,
        )
        while True:
            info = optimizer.ask()
            cost = -_score(objective, dict(info.config), round(info.budget))
            optimizer.tell(info, runhistory.TrialValue(cost=cost))


def _score(objective: Objective, params: dict[str, Any], items: int) -> float:
    recipe = objective.ground.workshop.space.decode(params)
    if items >= objective.size:
        return objective.whole(recipe)
    return objective.ground.mean("search", objective.some(recipe, range(items)))


def _configurations(space: SearchSpace, seed: int) -> Any:
    config_space = needed("ConfigSpace")
    found = config_space.ConfigurationSpace(seed=seed)
    for name, each in space.distributions.items():
        if isinstance(each, CategoricalDistribution):
            found.add(config_space.Categorical(name, [*each.choices]))
        elif isinstance(each, FloatDistribution):
            found.add(config_space.Float(name, (each.low, each.high)))
    return found


def _single_experts(space: SearchSpace, configurations: Any) -> list[Any]:
    """Each expert alone, at its full weight, with which their search begins."""
    configuration = needed("ConfigSpace").Configuration
    method = space.spec.methods[0]
    shares = [{each: float(each == alone) for each in space.expert_names} for alone in space.expert_names]
    return [configuration(configurations, values=space.point(method, share)) for share in shares]
