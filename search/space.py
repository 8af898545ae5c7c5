"""The search space: which numbers a sampler may choose, and the recipe that they make.

A *site* is a part of the model with parameters of its own: a module of a layer group, or the tensors in
no layer (embeddings, final norm, `lm_head`). Each site has, per expert, a weight and, where the method
trims, a density. Optuna sees them as `weight.layers0-7.mlp.math`, so its own dashboards can be read.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from merging.methods import METHODS
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from search.errors import SpecError
from search.spec import SearchSpaceSpec

OUTER = "outer"
DIGITS = 4
"""Decimals kept of a sampler's number: recipes stay readable, and no merge feels the fifth."""


@dataclass(frozen=True)
class SearchSpace:
    """Turns a sampler's parameters into a `Recipe` of these models."""

    spec: SearchSpaceSpec
    base: ModelRef
    experts: tuple[ModelRef, ...]
    expert_names: tuple[str, ...]
    n_layers: int
    dtype: str
    seed: int

    @property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """The layer groups as (start, stop), as equal in length as can be."""
        count = self.n_layers if self.spec.layer_groups == "each" else self.spec.layer_groups
        if count > self.n_layers:
            raise SpecError(
                f"search_space.layer_groups: {count} groups of a model with {self.n_layers} layers;"
                f" ask for at most {self.n_layers}, or `each`"
            )
        edges = [round(i * self.n_layers / count) for i in range(count + 1)]
        return tuple(itertools.pairwise(edges))

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites, in the order of the model."""
        modules = self.spec.modules or ("all",)
        layers = [f"{_label(group)}.{module}" for group in self.groups for module in modules]
        return (*layers, OUTER)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What the sampler may choose; numbers that the study fixes are not in it."""
        chosen: dict[str, BaseDistribution] = {}
        if len(self.spec.methods) > 1:
            chosen["method"] = CategoricalDistribution(self.spec.methods)
        for name, (low, high) in self._ranges().items():
            if low < high:
                chosen[name] = FloatDistribution(low, high)
        return chosen

    def decode(self, params: Mapping[str, Any]) -> Recipe:
        """The recipe that these numbers mean; what they leave out takes the study's fixed value."""
        values = {name: low for name, (low, _) in self._ranges().items()}
        values |= {name: round(float(value), DIGITS) for name, value in params.items() if name != "method"}
        method = params.get("method", self.spec.methods[0])
        layers = tuple(
            LayerGroup(start=start, stop=stop, rules=self._rules(method, _label((start, stop)), values))
            for start, stop in self.groups
        )
        return Recipe(
            base=self.base,
            experts=self.experts,
            method=method,
            layers=layers,
            outer=(Rule((), self._parameters(method, OUTER, values)),),
            dtype=self.dtype,
            seed=self.seed,
        )

    def point(self, method: str, shares: Mapping[str, float]) -> dict[str, Any]:
        """A place to start from: each expert's weight at every site, as a share of the way along its range.

        All else stands in the middle of its range.
        """
        middle = {name: (low + high) / 2 for name, (low, high) in self._ranges().items()}
        params: dict[str, Any] = {"method": method, **middle}
        low, high = self.spec.weight
        for site, expert in itertools.product(self.sites, self.expert_names):
            params[f"weight.{site}.{expert}"] = low + (high - low) * shares[expert]
        return {name: params[name] for name in self.distributions}

    def _ranges(self) -> dict[str, tuple[float, float]]:
        used = {name for method in self.spec.methods for name in METHODS[method].parameters}
        ranges: dict[str, tuple[float, float]] = {}
        for site in self.sites:
            for expert in self.expert_names:
                ranges[f"weight.{site}.{expert}"] = self.spec.weight
                if "density" in used:
                    ranges[f"density.{site}.{expert}"] = self.spec.density
            if "lambda" in used:
                ranges[f"lambda.{site}"] = self.spec.lambda_
        return ranges

    def _rules(self, method: str, label: str, values: Mapping[str, float]) -> tuple[Rule, ...]:
        modules = self.spec.modules
        if not modules:
            return (Rule((), self._parameters(method, f"{label}.all", values)),)
        own = [self._parameters(method, f"{label}.{module}", values) for module in modules]
        # What belongs to no module (the layer's norms) is moved as its neighbours are on average.
        rest = Rule((), _mean(own))
        return (*(Rule((module,), parameters) for module, parameters in zip(modules, own, strict=True)), rest)

    def _parameters(self, method: str, site: str, values: Mapping[str, float]) -> Parameters:
        return Parameters(
            weight=tuple(values[f"weight.{site}.{expert}"] for expert in self.expert_names),
            density=tuple(values.get(f"density.{site}.{expert}", 1.0) for expert in self.expert_names),
            lambda_=values.get(f"lambda.{site}", 1.0),
            # An average of models has to be one; task vectors may be scaled.
            normalize=self.spec.normalize or not METHODS[method].on_task_vectors,
            rescale=METHODS[method].rescale,
        )


def _label(group: tuple[int, int]) -> str:
    start, stop = group
    return f"layers{start}-{stop - 1}" if stop - start > 1 else f"layer{start}"


def _mean(parameters: list[Parameters]) -> Parameters:
    def over(columns: list[tuple[float, ...]]) -> tuple[float, ...]:
        return tuple(round(sum(column) / len(column), DIGITS) for column in zip(*columns, strict=True))

    return Parameters(
        weight=over([p.weight for p in parameters]),
        density=over([p.density for p in parameters]),
        lambda_=over([(p.lambda_,) for p in parameters])[0],
        normalize=parameters[0].normalize,
        rescale=parameters[0].rescale,
    )
