"""Every deterministic method that mergekit has too, asked for in every way that its configs know.

A case is a config, generated here from the registry of methods: one set of values for the whole model, a
gradient over the layers, filters by module, or slices. Both sides read the same text: mergekit when the
goldens are made (`make_method_goldens.py`), ours when they are compared (`test_oracle_methods.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from merging.methods.registry import METHODS, PARAMETERS, Method
from merging.recipe.rules import Parameters
from tests.oracle.method_families import EXPERTS, FAMILIES

MODES = ("default", "compat")
"""Arithmetic in float32, written in the family's dtype; everything in bfloat16, as people ask of mergekit."""

_OF_EXPERTS: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "weight": ((0.5, 0.3, 0.4), (0.2, 0.9, 0.1), (0.7, -0.2, 0.6)),
    "density": ((0.55, 0.3, 0.7), (0.8, 0.6, 0.35), (0.25, 0.9, 0.4)),
    "gamma": ((0.05, 0.1, 0.02), (0.1, 0.03, 0.2), (0.01, 0.05, 0.04)),
}
_SHARED: Mapping[str, tuple[float, ...]] = {
    "lambda": (0.8, 1.2, 1.0),
    "t": (0.4, 0.7, 0.1),
    "max_iter": (10, 4, 2),
    "tol": (1e-5, 1e-2, 1e-3),
    "filter_wise": (False, True, False),
    "select_topk": (0.55, 0.9, 0.2),
    "scale": (0.9, 1.1, 0.5),
}
_NEARSWAP = (0.004, 0.02, 0.001)


_WHOLE = {"density": (1.0, 1.0, 1.0)}
_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "linear-sum": {"weight": (0.7, -0.4, 0.1), "normalize": False},
    "task_arithmetic-normalize": {"weight": (0.7, -0.4, 0.1), "normalize": True},
    "task_arithmetic-cancel": {"weight": (0.5, -0.25, -0.25), "normalize": True},
    "ties-sum": {"normalize": False, "lambda": 1.3},
    "ties-rescale": {"rescale": True},
    "ties-signs": {"weight": (0.5, -0.3, 0.4)},
    "ties-whole": _WHOLE,
    "ties-thin": {"density": (0.02, 0.005, 0.1)},
    "breadcrumbs-rescale": {"rescale": True, "normalize": True},
    "breadcrumbs-crowded": {"density": (0.95, 0.9, 0.99), "gamma": (0.1, 0.2, 0.3)},
    "breadcrumbs-top": {"gamma": (0.0, 0.0, 0.25)},
    "breadcrumbs_ties-normalize": {"normalize": True, "weight": (0.5, -0.3, 0.4)},
    "breadcrumbs_ties-whole": _WHOLE,
    "dare_linear-whole": _WHOLE,
    "dare_ties-whole": {**_WHOLE, "normalize": True},
    "della-whole": {**_WHOLE, "epsilon": (0.1, 0.2, 0.3)},
    "della_linear-whole": {**_WHOLE, "epsilon": (0.1, 0.2, 0.3), "lambda": 0.7},
    "slerp-base": {"t": 0.0},
    "slerp-expert": {"t": 1.0},
    "nuslerp-rows": {"nuslerp_flatten": False, "nuslerp_row_wise": True},
    "nuslerp-columns": {"nuslerp_flatten": False, "nuslerp_row_wise": False},
    "nuslerp-from_base": {"from_base": True},
    "nuslerp-rows_from_base": {"from_base": True, "nuslerp_flatten": False, "nuslerp_row_wise": True},
    "nuslerp-cancel": {"weight": (0.4, -0.4)},
    "nuslerp-beyond": {"weight": (0.9, -0.4)},
    "multislerp-from_base": {"from_base": True},
    "multislerp-raw": {"normalize_weights": False, "eps": 1e-3},
    "karcher-short": {"max_iter": 1, "tol": 1e-2},
    "model_stock-rows": {"filter_wise": True},
    "sce-thin": {"select_topk": 0.1},
    "sce-none": {"select_topk": 0.0},
    "sce-whole": {"select_topk": 1.0},
    "nearswap-wide": {"t": 10.0},
}
_COMPAT_ONLY = ("breadcrumbs-crowded",)
"""Cases that only mergekit's arithmetic makes sense of: what gamma drops there, density has no room for."""


@dataclass(frozen=True)
class Case:
    """One config: a method, its parameters for each run of layers, per expert as tuples."""

    family: str
    name: str
    method: Method
    pieces: tuple[Mapping[str, Any], ...]

    @property
    def modes(self) -> tuple[str, ...]:
        return MODES[1:] if self.name in _COMPAT_ONLY else MODES

    @property
    def experts(self) -> tuple[str, ...]:
        return EXPERTS[: self.method.experts[1] or len(EXPERTS)]

    @property
    def base(self) -> bool:
        """Whether mergekit is told of a base."""
        optional = "from_base" in self.method.defaults
        return bool(self.pieces[0].get("from_base")) if optional else self.method.base != "config only"

    def yaml(self, mode: str) -> str:
        """The config's text; models are named relative to the family's folder."""
        out = FAMILIES[self.family].dtype
        dtypes = {"dtype": "bfloat16"} if mode == "compat" else {"dtype": "float32", "out_dtype": out}
        head = {"merge_method": self.method.name} | ({"base_model": "base"} if self.base else {})
        return yaml.safe_dump({**head, **self._body(), **dtypes}, sort_keys=False, default_flow_style=None)

    def parameters(self) -> Parameters:
        """What the config says of every tensor; for cases of one piece without filters or gradients."""
        (given,) = self.pieces
        known: dict[str, Any] = {**self.method.defaults, **given}
        named = ("weight", "density", "lambda", "normalize", "rescale")
        n = len(self.experts)
        return Parameters(
            weight=known.get("weight", (1.0,) * n),
            density=_each(known.get("density", 1.0), n),
            lambda_=known.get("lambda", 1.0),
            normalize=known.get("normalize", False),
            rescale=known.get("rescale", False),
            more=tuple(sorted((name, value) for name, value in known.items() if name not in named)),
        )

    def _body(self) -> dict[str, Any]:
        if len(self.pieces) == 1:
            models = ["base"] * (self.method.base == "mixes in") + list(self.experts)
            return {
                "models": [{"model": model, **self._own(model, 0)} for model in models],
                **self._together(0),
            }
        stops = (0, FAMILIES[self.family].pico.layers - 1, FAMILIES[self.family].pico.layers)
        models = ["base"] * self.base + list(self.experts)
        return {
            "slices": [
                {
                    "sources": [
                        {"model": model, "layer_range": [stops[i], stops[i + 1]], **self._own(model, i)}
                        for model in models
                    ],
                    **self._together(i),
                }
                for i in range(2)
            ]
        }

    def _own(self, model: str, piece: int) -> dict[str, Any]:
        """What a source says of itself; passthrough's `scale` is said of its one model."""
        if model == "base":
            return {}
        i = EXPERTS.index(model)
        own = {name: value[i] for name, value in self.pieces[piece].items() if PARAMETERS[name].per_expert}
        scale = {name: value for name, value in self.pieces[piece].items() if name == "scale"}
        return {"parameters": own | scale} if own | scale else {}

    def _together(self, piece: int) -> dict[str, Any]:
        shared = {
            name: value
            for name, value in self.pieces[piece].items()
            if not PARAMETERS[name].per_expert and name not in ("from_base", "scale")
        }
        return {"parameters": shared} if shared else {}


def cases_of(family: str) -> dict[str, Case]:
    """Cases of a family by name, such as `ties-gradient`."""
    cases = {}
    for method in METHODS.values():
        if not method.mergekit or method.random:
            continue
        for shape in FAMILIES[family].shapes:
            pieces = _pieces(method, shape)
            if pieces[0] or shape in ("uniform", "slices"):
                cases[f"{method.name}-{shape}"] = Case(family, f"{method.name}-{shape}", method, pieces)
    if FAMILIES[family].variants:
        for name, changes in _VARIANTS.items():
            method = METHODS[name.partition("-")[0]]
            (uniform,) = _pieces(method, "uniform")
            cases[name] = Case(family, name, method, ({**uniform, **changes},))
    return cases


def _pieces(method: Method, shape: str) -> tuple[dict[str, Any], ...]:
    """Values of every number that the method reads, as the shape spreads them over the model."""
    names = [name for name in method.defaults if name in _OF_EXPERTS or name in _SHARED]
    if shape == "uniform":
        return ({name: _values(method, name, "a") for name in names},)
    if shape == "gradient":
        return ({name: _values(method, name, "ab") for name in names},)
    if shape == "slices":
        return (
            {name: _values(method, name, "ab") for name in names},
            {name: _values(method, name, "ca") for name in names},
        )
    return ({name: _values(method, name, "filters") for name in names},)


def _values(method: Method, name: str, which: str) -> Any:
    """One setting, or a tuple of one per expert."""
    if name in _OF_EXPERTS:
        n = method.experts[1] or len(EXPERTS)
        return tuple(_setting([three[i] for three in _OF_EXPERTS[name]], which) for i in range(n))
    return _setting(list(_NEARSWAP if method.name == "nearswap" else _SHARED[name]), which)


def _setting(values: list[float], which: str) -> Any:
    """A number, a gradient, or filters of which one holds a gradient."""
    if which == "filters":
        a, b, c = values
        gradient = (
            values[1:] if not isinstance(a, int) else b
        )  # whole numbers and flags have no values between
        filters = [{"filter": "self_attn", "value": a}, {"filter": "mlp.up", "value": gradient}]
        return [*filters, {"filter": "lm_head", "value": b}, {"value": c}]
    chosen = [values["abc".index(letter)] for letter in which]
    return chosen if len(chosen) > 1 else chosen[0]


def _each(value: Any, n: int) -> tuple[float, ...]:
    return value[:n] if isinstance(value, tuple) else (value,) * n
