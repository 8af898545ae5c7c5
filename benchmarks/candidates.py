"""What is merged: every method with sensible parameters, other ones at each repetition, as in a search."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from merging.methods.registry import METHODS, Method
from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from merging.recipe.rules import OWN_FIELDS

EXPERTS = 3
SPECTRAL = ("tsv", "iso_c")
"""Methods that decompose matrices: minutes, once per expert."""

Value = float | bool | str | tuple[float, ...]


def experts_of(method: Method) -> int:
    """How many experts a method takes of the three."""
    return min(EXPERTS, method.experts[1] or EXPERTS)


def reads_base(method: Method) -> bool:
    """Whether the base's weights are part of the candidate's traffic, at the values asked here."""
    return method.base != "config only" and "from_base" not in method.defaults


def traffic(method: Method, model_bytes: int) -> int:
    """Bytes that a candidate must move: every model it is made of read, one written."""
    return model_bytes * (reads_base(method) + experts_of(method) + 1)


def values(method: Method, repetition: int, experts: int | None = None) -> dict[str, Value]:
    """Parameters to ask for at a repetition; per expert as tuples."""
    draw = random.Random(repetition & 0xFFFF)  # a negative number would draw as its positive
    n = experts or experts_of(method)
    asked: dict[str, Value] = {
        "weight": tuple(round(draw.uniform(0.3, 0.8), 3) for _ in range(n)),
        "density": tuple(round(draw.uniform(0.45, 0.55), 3) for _ in range(n)),
        "lambda": round(draw.uniform(0.8, 1.2), 3),
        "t": round(draw.uniform(0.3, 0.7), 3) * (1e-3 if method.name == "nearswap" else 1),
        "select_topk": round(draw.uniform(0.4, 0.6), 3),
        "scale": round(draw.uniform(0.9, 1.1), 3),
        "gamma": (0.01,) * n,
        "epsilon": (0.1,) * n,
    }
    return {name: value for name, value in asked.items() if name in method.parameters}


def recipe(method: Method, refs: Sequence[ModelRef], layers: int, repetition: int) -> Recipe:
    """The candidate of a repetition, over a base and its experts."""
    experts = tuple(refs[1 : 1 + experts_of(method)])
    groups, outer = whole_model(parameters(method, repetition), layers)
    return Recipe(refs[0], experts, method.name, groups, outer, dtype="bfloat16", seed=repetition & 0xFFFF)


def parameters(method: Method, repetition: int) -> Parameters:
    """The same as a recipe has them."""
    known: dict[str, Any] = {**method.defaults, **values(method, repetition)}
    n = experts_of(method)
    whole = (1.0,) * n
    weight, density = known.get("weight"), known.get("density")
    return Parameters(
        weight=weight if isinstance(weight, tuple) else whole,
        density=density if isinstance(density, tuple) else whole,
        lambda_=known.get("lambda", 1.0),
        normalize=known.get("normalize", False),
        rescale=known.get("rescale", False),
        more=tuple(sorted((name, value) for name, value in known.items() if name not in OWN_FIELDS)),
    )


def config(method: Method, models: Sequence[Path], repetition: int) -> str:
    """The same as mergekit's YAML, for as many experts as there are folders; both programs read it."""
    base, *experts = map(str, models)
    asked = values(method, repetition, len(experts))
    own = [
        {name: value[i] for name, value in asked.items() if isinstance(value, tuple)}
        for i in range(len(experts))
    ]
    shared = {name: value for name, value in asked.items() if not isinstance(value, tuple)}
    data: dict[str, Any] = {
        "merge_method": method.name,
        **({"base_model": base} if method.base != "config only" else {}),
        "models": [{"model": expert, "parameters": own[i]} for i, expert in enumerate(experts)],
        **({"parameters": shared} if shared else {}),
        "dtype": "bfloat16",
    }
    return yaml.safe_dump(data, sort_keys=False)


def chosen(names: str | None) -> list[Method]:
    """The methods of a comma-separated list; all for None."""
    return [METHODS[name] for name in (names.split(",") if names else METHODS)]
