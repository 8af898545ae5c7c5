"""The search space: which numbers a sampler may choose, and the recipe that they make.

A *site* is a part of the model with parameters of its own: a module of a layer group, or the tensors in
no layer (embeddings, final norm, `lm_head`). Each site has, per expert, a weight and, where the method
trims, a density, and whatever else of the registry the study names. Optuna sees them as
`weight.layers0-7.mlp.math` or `t.outer`, so its own dashboards can be read. With a gradient, only some layers
have numbers, and the others lie on lines between them; with layer paths, there is a choice for each place on
a path as well (`source.layers0-7.1`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from merging.methods.registry import METHODS, PARAMETERS
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from merging.recipe.rules import Setting, more_of
from search.proposals.parameters import between, fitted, mean
from search.proposals.spaces.gradients import along, knots
from search.proposals.spaces.paths import SOURCE, Paths, Stretch
from search.proposals.spaces.sites import Group, cut, label
from search.study_file.search_space import STACKING, SearchSpaceSpec

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
    def groups(self) -> tuple[Group, ...]:
        """The layer groups as (start, stop), as equal in length as can be; under a gradient, each layer."""
        each = self.spec.layer_groups == "each"
        return cut(self.n_layers, self.n_layers if each else int(self.spec.layer_groups))

    @property
    def paths(self) -> Paths | None:
        """The layer paths, where the study asks for them."""
        layers = self.spec.layers
        return None if layers is None else Paths(layers, self.groups, self.expert_names)

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites, in the order of the model."""
        return (*(f"{part}.{module}" for part in self.parts for module in self._modules), OUTER)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of what has numbers of its own over the depth: layer groups, or a gradient's values."""
        if self.knots:
            return tuple(label((layer, layer + 1)) for layer in self.knots)
        return tuple(map(label, self.groups))

    @property
    def knots(self) -> tuple[int, ...]:
        """The layers whose numbers a gradient goes through; () without one."""
        return () if self.spec.gradient is None else knots(self.spec.gradient, self.n_layers)

    @property
    def _modules(self) -> tuple[str, ...]:
        return self.spec.modules or ("all",)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What the sampler may choose; numbers that the study fixes are not in it."""
        chosen: dict[str, BaseDistribution] = {}
        if len(self.spec.methods) > 1:
            chosen["method"] = CategoricalDistribution(self.spec.methods)
        for name, givers in (self.paths.choices if self.paths else {}).items():
            if len(givers) > 1:
                chosen[name] = CategoricalDistribution(givers)
        for name, (low, high) in self.ranges.items():
            if low < high:
                chosen[name] = FloatDistribution(low, high)
        return chosen

    def decode(self, params: Mapping[str, Any]) -> Recipe:
        """The recipe that these numbers mean; what they leave out takes the study's fixed value."""
        values = self._over_layers(
            {name: low for name, (low, _) in self.ranges.items()}
            | {
                name: self._rounded(name, float(value))
                for name, value in params.items()
                if name.partition(".")[0] not in ("method", SOURCE)
            }
        )
        method = params.get("method", self.spec.methods[0])
        return Recipe(
            base=self.base,
            experts=self.experts,
            method=method,
            layers=self._layers(method, values, params),
            outer=(Rule((), fitted(METHODS[method], self._parameters(method, OUTER, values))),),
            dtype=self.dtype,
            seed=self.seed,
            tokenizer_source=self.tokenizer_source,
            allow_pickle=self.allow_pickle,
            config_source=self.config_source,
        )

    def point(self, method: str, shares: Mapping[str, float]) -> dict[str, Any]:
        """A place to start from: each expert's weight at every site, as a share of the way along its range.

        Where weights may be below 0, the way begins at 0. All else stands in the middle of its range; so do
        weights without shares.
        """
        low, high = self.spec.weight
        start = 0.0 if low < 0 < high else low
        return self._at(method, {name: start + (high - start) * share for name, share in shares.items()}, {})

    def layered(self, method: str, weights: Mapping[str, float], outer: float) -> dict[str, Any]:
        """A place to start from: each expert's weight in the layers, and that of every one outside of them.

        Nothing is rescaled; all else stands in the middle of its range. What is out of range is its end.
        """

        def within(name: str, value: float) -> float:
            low, high = self._given[name]
            return min(max(value, low), high)

        inside = {expert: within("weight", weight) for expert, weight in weights.items()}
        params = self._at(method, inside, {"lambda": within("lambda", 1.0)})
        outside = {f"weight.{OUTER}.{expert}" for expert in weights} & params.keys()
        return params | dict.fromkeys(outside, within("weight", outer))

    def place(self, method: str, weights: Mapping[str, float]) -> dict[str, Any] | None:
        """The merge with these weights at every site and nothing trimmed or rescaled; None if it is not here.

        What a method reads beside weight, density and lambda stands in the middle of its range.
        """
        exact: dict[str, float] = {"lambda": 1.0}
        if METHODS[method].sparsifier is not None:
            exact["density"] = 1.0
        given = self._given
        wanted = [("weight", value) for value in weights.values()] + list(exact.items())
        if any(not given[name][0] <= value <= given[name][1] for name, value in wanted):
            return None
        return self._at(method, weights, exact)

    def path(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A place to start from with these choices; all else stands in the middle of its range."""
        return self._at(STACKING, {}, {}) | {
            name: params[name] for name in params if name in self.distributions
        }

    def _at(self, method: str, weights: Mapping[str, float], exact: Mapping[str, float]) -> dict[str, Any]:
        params: dict[str, Any] = {"method": method}
        for name, (low, high) in self.ranges.items():
            params[name] = exact.get(name.partition(".")[0], (low + high) / 2)
        for site, expert in itertools.product(self.sites, weights):
            params[f"weight.{site}.{expert}"] = weights[expert]
        return {name: params[name] for name in self.distributions if name in params}

    def _rounded(self, name: str, value: float) -> float:
        kind = name.partition(".")[0]
        if kind in ("weight", "density", "lambda"):
            return round(value, DIGITS)
        return between(value, *self.spec.more[kind])  # type: ignore[misc]

    def _over_layers(self, values: dict[str, float]) -> dict[str, float]:
        """A gradient's values as numbers of each layer's own; without one, they are that already."""
        if not self.knots:
            return values
        spread = {f"{name}.{OUTER}{whose}": values[f"{name}.{OUTER}{whose}"] for name, whose in self.numbers}
        for module, (name, whose) in itertools.product(self._modules, self.numbers):
            line = [values[f"{name}.{part}.{module}{whose}"] for part in self.parts]
            for layer, group in enumerate(self.groups):
                value = self._rounded(name, along(line, self.knots, layer))
                spread[f"{name}.{label(group)}.{module}{whose}"] = value
        return spread

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Low and high of every number that a method of the study reads, fixed ones too."""
        given = self._given
        return {f"{name}.{site}{whose}": given[name] for site in self.sites for name, whose in self.numbers}

    @property
    def _given(self) -> dict[str, tuple[float, float]]:
        """The range of every number that the study has a say in, whoever reads it."""
        own = {"weight": self.spec.weight, "density": self.spec.density, "lambda": self.spec.lambda_}
        return own | {name: value for name, value in self.spec.more.items() if isinstance(value, tuple)}

    @cached_property
    def numbers(self) -> tuple[tuple[str, str], ...]:
        """What a site has numbers of: each parameter, and how the expert is told that it is for, if it is."""
        used = {name for method in self.spec.methods for name in METHODS[method].parameters}
        read = [name for name in self._given if name in used]
        each = [(name, f".{expert}") for expert in self.expert_names for name in read if _is_own(name)]
        return (*each, *((name, "") for name in read if not _is_own(name)))

    def _layers(
        self, method: str, values: Mapping[str, float], params: Mapping[str, Any]
    ) -> tuple[LayerGroup, ...]:
        if self.paths is None:
            return tuple(
                LayerGroup(start=start, stop=stop, rules=self._rules(method, label((start, stop)), values))
                for start, stop in self.groups
            )
        layers: list[LayerGroup] = []
        for each in self.paths.read(params):
            start = layers[-1].stop if layers else 0
            rules = self._rules(method, label(each.group), values)
            layers.append(LayerGroup(start, start + each.length, rules, self._origins(each)))
        return tuple(layers)

    def _origins(self, stretch: Stretch) -> tuple[int | None, ...]:
        """Its layers are one expert's; the base takes no part."""
        whose = range(len(self.experts))
        return (None, *(stretch.group[0] if i == stretch.expert else None for i in whose))

    def _rules(self, method: str, part: str, values: Mapping[str, float]) -> tuple[Rule, ...]:
        modules = self.spec.modules
        own = [self._parameters(method, f"{part}.{module}", values) for module in self._modules]
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


def _is_own(name: str) -> bool:
    return PARAMETERS[name].per_expert
