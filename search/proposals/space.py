"""The search space: which numbers a sampler may choose, and the recipe that they make.

A *site* is a part of the model with parameters of its own: a module of a layer group, or the tensors in
no layer (embeddings, final norm, `lm_head`). Each site has, per expert, a weight and, where the method
trims, a density, and whatever else of the registry the study names. Optuna sees them as
`weight.layers0-7.mlp.math` or `t.outer`, so its own dashboards can be read.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from merging.methods.registry import METHODS, PARAMETERS
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from merging.recipe.rules import Setting, more_of
from search.errors import SpecError
from search.proposals.parameters import between, fitted, mean
from search.study_file.search_space import SearchSpaceSpec

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
    tokenizer_source: str | None = None
    allow_pickle: bool = False
    config_source: str | None = None
    """How the models are opened, which recipes remember."""
    base_name: str = "base"
    """What the study calls the base, and `expert_names` the experts; recipes know them by content."""

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
        for name, value in params.items():
            kind = name.partition(".")[0]
            if kind in ("weight", "density", "lambda"):
                values[name] = round(float(value), DIGITS)
            elif kind != "method":
                values[name] = between(float(value), *self.spec.more[kind])  # type: ignore[misc]
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
            outer=(Rule((), fitted(METHODS[method], self._parameters(method, OUTER, values))),),
            dtype=self.dtype,
            seed=self.seed,
            tokenizer_source=self.tokenizer_source,
            allow_pickle=self.allow_pickle,
            config_source=self.config_source,
        )

    def point(self, method: str, shares: Mapping[str, float]) -> dict[str, Any]:
        """A place to start from: each expert's weight at every site, as a share of the way along its range.

        All else stands in the middle of its range; so do weights without shares.
        """
        middle = {name: (low + high) / 2 for name, (low, high) in self._ranges().items()}
        params: dict[str, Any] = {"method": method, **middle}
        if not shares:
            return {name: params[name] for name in self.distributions}
        low, high = self.spec.weight
        for site, expert in itertools.product(self.sites, self.expert_names):
            params[f"weight.{site}.{expert}"] = low + (high - low) * shares[expert]
        return {name: params[name] for name in self.distributions}

    def _ranges(self) -> dict[str, tuple[float, float]]:
        used = {name for method in self.spec.methods for name in METHODS[method].parameters}
        own = {"weight": self.spec.weight, "density": self.spec.density, "lambda": self.spec.lambda_}
        own |= {name: value for name, value in self.spec.more.items() if isinstance(value, tuple)}
        searched = {name: PARAMETERS[name].per_expert for name in own if name in used}
        ranges: dict[str, tuple[float, float]] = {}
        for site in self.sites:
            for expert in self.expert_names:
                names = [name for name, per_expert in searched.items() if per_expert]
                ranges |= {f"{name}.{site}.{expert}": own[name] for name in names}
            names = [name for name, per_expert in searched.items() if not per_expert]
            ranges |= {f"{name}.{site}": own[name] for name in names}
        return ranges

    def _rules(self, method: str, label: str, values: Mapping[str, float]) -> tuple[Rule, ...]:
        modules = self.spec.modules
        own = [self._parameters(method, f"{label}.{module}", values) for module in modules or ("all",)]
        # What belongs to no module (the layer's norms) is moved as its neighbours are on average.
        rest = mean(own, DIGITS) if modules else own[0]
        matched = [((module,), parameters) for module, parameters in zip(modules, own, strict=False)]
        return tuple(Rule(match, fitted(METHODS[method], p)) for match, p in (*matched, ((), rest)))

    def _parameters(self, method: str, site: str, values: Mapping[str, float]) -> Parameters:
        def of_each(name: str) -> tuple[float, ...]:
            return tuple(values.get(f"{name}.{site}.{expert}", 1.0) for expert in self.expert_names)

        more: dict[str, Setting] = {}
        for name in more_of(METHODS[method]):
            given = self.spec.more.get(name)
            if isinstance(given, tuple):
                more[name] = of_each(name) if PARAMETERS[name].per_expert else values[f"{name}.{site}"]
            elif given is not None:
                more[name] = given
        rescale = self.spec.more.get("rescale")
        return Parameters(
            weight=of_each("weight"),
            density=of_each("density"),
            lambda_=values.get(f"lambda.{site}", 1.0),
            # An average of models has to be one; task vectors may be scaled.
            normalize=self.spec.normalize or not METHODS[method].on_task_vectors,
            rescale=METHODS[method].rescale if rescale is None else bool(rescale),
            more=tuple(sorted(more.items())),
        )


def _label(group: tuple[int, int]) -> str:
    start, stop = group
    return f"layers{start}-{stop - 1}" if stop - start > 1 else f"layer{start}"
