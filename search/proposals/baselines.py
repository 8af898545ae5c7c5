"""What every merge has to beat: the base, each expert alone, and the plain average of the experts.

They are recipes like any other, so they are made, asked and remembered by the same path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from merging.recipe import Parameters, Recipe, whole_model
from search.proposals.space import SearchSpace

Kind = Literal["base", "expert", "uniform", "trial"]


@dataclass(frozen=True)
class Entrant:
    """A recipe with the name and the kind under which a study knows it."""

    kind: Kind
    name: str
    recipe: Recipe
    trial: int | None = None


def baselines(space: SearchSpace) -> tuple[Entrant, ...]:
    """Base, experts and uniform merge, in the order in which they are measured."""
    n = len(space.experts)
    alone = [
        Entrant("expert", name, _recipe(space, "linear", tuple(float(i == j) for j in range(n))))
        for i, name in enumerate(space.expert_names)
    ]
    base = Entrant("base", space.base_name, _recipe(space, "task_arithmetic", (0.0,) * n))
    uniform = Entrant("uniform", "uniform", _recipe(space, "linear", (1.0,) * n))
    return (base, *alone, uniform)


def _recipe(
    space: SearchSpace, method: Literal["linear", "task_arithmetic"], weight: tuple[float, ...]
) -> Recipe:
    parameters = Parameters(weight=weight, density=(1.0,) * len(weight), normalize=method == "linear")
    layers, outer = whole_model(parameters, space.n_layers)
    return Recipe(
        base=space.base,
        experts=space.experts,
        method=method,
        layers=layers,
        outer=outer,
        dtype=space.dtype,
        seed=space.seed,
        tokenizer_source=space.tokenizer_source,
        allow_pickle=space.allow_pickle,
        config_source=space.config_source,
    )
