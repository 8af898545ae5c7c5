"""The parts of a recipe: models by content, parameters, and the rules that say which tensors they are for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from merging.errors import RecipeError
from merging.fields import Fields
from merging.methods import Method


@dataclass(frozen=True)
class ModelRef:
    """A model by content; where it was found (a folder, or a hub id with its revision) is only remembered."""

    path: str
    fingerprint: str
    revision: str | None = None


Setting = float | bool | str | tuple[float, ...]


@dataclass(frozen=True)
class Parameters:
    """How the experts enter one part of the model: weight and density per expert, in the recipe's order."""

    weight: tuple[float, ...]
    density: tuple[float, ...]
    lambda_: float = 1.0
    normalize: bool = False
    rescale: bool = False
    more: tuple[tuple[str, Setting], ...] = ()
    """What else the method reads, by name in the registry, sorted; a tuple where it is per expert."""

    def get(self, name: str, default: Setting) -> Setting:
        """A parameter of `more`, or the default where it is not given."""
        return dict(self.more).get(name, default)


@dataclass(frozen=True)
class Rule:
    """Parameters of the tensors whose name contains every string of `match`; () matches all."""

    match: tuple[str, ...]
    parameters: Parameters

    def applies_to(self, name: str) -> bool:
        """Whether this rule speaks about the tensor of this name."""
        return all(part in name for part in self.match)


@dataclass(frozen=True)
class LayerGroup:
    """Rules of the layers `start` to `stop` - 1; the first that matches wins, the last matches all."""

    start: int
    stop: int
    rules: tuple[Rule, ...]


def check_contiguous(layers: tuple[LayerGroup, ...]) -> None:
    expected = 0
    for group in layers:
        if group.start != expected or group.stop <= group.start:
            raise RecipeError(
                f"layers: the group {group.start}-{group.stop - 1} should start at {expected}"
                " and hold a layer; groups follow each other from 0 without gaps"
            )
        expected = group.stop


def check_rules(where: str, rules: tuple[Rule, ...], method: Method, experts: int) -> None:
    if not rules or rules[-1].match:
        raise RecipeError(f"{where}: the last rule must match all tensors (match: [])")
    if any("*" in part for rule in rules for part in rule.match):
        raise RecipeError(f"{where}: match: '*' is in no tensor's name; [] matches all")
    for rule in rules:
        _check_parameters(where, rule.parameters, method, experts)


def _check_parameters(where: str, parameters: Parameters, method: Method, experts: int) -> None:
    for field in ("weight", "density"):
        values = getattr(parameters, field)
        if len(values) != experts:
            raise RecipeError(f"{where}: {field}: {len(values)} numbers for {experts} experts; give one each")
    if not all(math.isfinite(number) for number in (*parameters.weight, parameters.lambda_)):
        raise RecipeError(f"{where}: weight and lambda must be finite numbers")
    if not all(0 < density <= 1 for density in parameters.density):
        raise RecipeError(
            f"{where}: density: {list(parameters.density)} leaves (0, 1]; use weight 0 to leave one out"
        )
    if method.on_task_vectors:
        return
    if not any(parameters.weight) or (parameters.normalize and abs(math.fsum(parameters.weight)) < 1e-6):
        raise RecipeError(
            f"{where}: weight: {list(parameters.weight)} sum to zero, so there is no average of them"
        )


def canonical_rules(rules: tuple[Rule, ...], method: Method) -> tuple[Rule, ...]:
    """Rules without what the method ignores, and without those that say no more than the fallback."""
    *special, fallback = (replace(rule, parameters=_canonical(rule.parameters, method)) for rule in rules)
    while special and special[-1].parameters == fallback.parameters:
        special.pop()
    return (*special, fallback)


def _canonical(parameters: Parameters, method: Method) -> Parameters:
    used = method.parameters
    weight = tuple(float(number) + 0.0 for number in parameters.weight)  # + 0.0 turns -0.0 into 0.0
    density = tuple(
        float(number) if "density" in used and factor else 1.0
        for number, factor in zip(parameters.density, weight, strict=True)
    )
    return Parameters(
        weight=weight,
        density=density,
        lambda_=float(parameters.lambda_) if "lambda" in used else 1.0,
        normalize="normalize" in used and parameters.normalize,
        rescale="rescale" in used and parameters.rescale,
    )


def model_to_dict(model: ModelRef) -> dict[str, Any]:
    revision = {} if model.revision is None else {"revision": model.revision}
    return {"path": model.path, **revision, "fingerprint": model.fingerprint}


def model_from(fields: Fields) -> ModelRef:
    model = ModelRef(
        fields.take("path", str), fields.take("fingerprint", str), fields.take("revision", str, None)
    )
    fields.done()
    return model


def rules_to_list(rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
    return [
        {
            "match": list(rule.match),
            "weight": list(rule.parameters.weight),
            "density": list(rule.parameters.density),
            "lambda": rule.parameters.lambda_,
            "normalize": rule.parameters.normalize,
            "rescale": rule.parameters.rescale,
        }
        for rule in rules
    ]


def group_from(fields: Fields) -> LayerGroup:
    rules = tuple(rule_from(part) for part in fields.parts("rules"))
    group = LayerGroup(fields.take("start", int), fields.take("stop", int), rules)
    fields.done()
    return group


def rule_from(fields: Fields) -> Rule:
    match = fields.sequence("match", str)
    parameters = Parameters(
        weight=fields.sequence("weight", float),
        density=fields.sequence("density", float),
        lambda_=fields.take("lambda", float, 1.0),
        normalize=fields.take("normalize", bool, False),
        rescale=fields.take("rescale", bool, False),
    )
    fields.done()
    return Rule(match, parameters)
