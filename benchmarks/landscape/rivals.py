"""Searches as other tools make them: mergekit-evolve's, and mergenetic's genetic algorithm.

Sources: mergekit a6e4028, mergekit/evo/genome.py and scripts/evolve.py, docs/evolve.md; mergenetic,
README.md and configs/. Settings are theirs, the code is not.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution

from benchmarks.landscape.objective import Objective
from merging.recipe import LayerGroup, Parameters, Recipe, Rule
from search.proposals.space import SearchSpace

POPULATION = 10
"""Of mergenetic's own configurations for 100 evaluations: ten generations of ten."""


class NotInstalledError(ImportError):
    """A rival's package is missing."""


def needed(module: str) -> Any:
    """A module of the extra `rivals`; raises NotInstalledError that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise NotInstalledError(
            f"{package} is not installed; `pip install crucible[rivals]` brings it ({error})"
        ) from error


def mergekit_evolve(objective: Objective, seed: int, normalize: bool = False) -> None:
    """CMA-ES from 1/n and density 1, sigma 1/6, no bounds, all else the `cma` package's own.

    Its genome has, for each layer, expert and filter (self_attn, mlp, all else), a weight and a density.
    Where fewer evaluations than the budget end a run, another begins, as a person would do.
    """
    cma = needed("cma")
    space = objective.ground.workshop.space
    shape = (space.n_layers, len(space.experts), 3, 2)
    start = np.zeros(shape)
    start[..., 0], start[..., 1] = 1 / len(space.experts), 1.0
    while True:
        options = {"seed": seed + 1, "verbose": -9, "maxfevals": objective.budget}
        strategy = cma.CMAEvolutionStrategy(start.ravel(), 1 / 6, options)
        while not strategy.stop():
            asked = strategy.ask()
            costs = [-objective.whole(_genome_recipe(space, x.reshape(shape), normalize)) for x in asked]
            strategy.tell(asked, costs)
        seed += 1000


def _genome_recipe(space: SearchSpace, genome: NDArray[np.float64], normalize: bool) -> Recipe:
    """What mergekit makes of a genome; embeddings are in its first slice, the last norm in its last."""

    def rules(layer: int) -> tuple[Rule, ...]:
        return tuple(Rule(match, part(layer, i)) for i, match in enumerate((("self_attn",), ("mlp",), ())))

    def part(layer: int, filter_: int) -> Parameters:
        weight, density = np.abs(genome[layer, :, filter_]).T
        kept = np.clip(density, 1e-4, 1)  # a recipe has no density of 0; this keeps as good as nothing
        return Parameters(
            weight=tuple(weight.round(6).tolist()),
            density=tuple(kept.round(6).tolist()),
            lambda_=1.0,
            normalize=normalize,
            rescale=False,
        )

    layers = tuple(LayerGroup(i, i + 1, rules(i)) for i in range(space.n_layers))
    outer = (Rule(("embed_tokens",), part(0, 2)), Rule((), part(space.n_layers - 1, 2)))
    return Recipe(space.base, space.experts, "ties", layers, outer, dtype=space.dtype, seed=space.seed)


def mergenetic(objective: Objective, seed: int) -> None:
    """pymoo's genetic algorithm with SBX and PM as they come, over the study's space, from a random start."""
    problem_of, genetic = needed("pymoo.core.problem").Problem, needed("pymoo.algorithms.soo.nonconvex.ga").GA
    crossover, mutation = (
        needed("pymoo.operators.crossover.sbx").SBX,
        needed("pymoo.operators.mutation.pm").PM,
    )
    space = objective.ground.workshop.space
    problem = problem_of(n_var=len(space.distributions), n_obj=1, xl=0.0, xu=1.0)
    algorithm = genetic(pop_size=POPULATION, crossover=crossover(), mutation=mutation())
    algorithm.setup(problem, termination=("n_gen", objective.budget), seed=seed, verbose=False)
    while algorithm.has_next():
        asked = algorithm.ask()
        costs = [[-objective.whole(space.decode(unscaled(space, x)))] for x in asked.get("X")]
        asked.set("F", np.array(costs))
        algorithm.tell(infills=asked)


def unscaled(space: SearchSpace, x: NDArray[np.float64]) -> dict[str, Any]:
    """Parameters of numbers between 0 and 1, a choice by the part of the way that it stands at."""
    params: dict[str, Any] = {}
    for value, (name, each) in zip(x.tolist(), space.distributions.items(), strict=True):
        if isinstance(each, FloatDistribution):
            params[name] = each.low + value * (each.high - each.low)
        elif isinstance(each, CategoricalDistribution):
            params[name] = each.choices[min(int(value * len(each.choices)), len(each.choices) - 1)]
    return params
