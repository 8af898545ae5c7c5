"""The parts of a recipe: models by content, parameters, and the rules that say which tensors they are for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from merging.methods.registry import PARAMETERS, REQUIRED, Method, Parameter
from merging.recipe.fields import Fields


@dataclass(frozen=True)
class ModelRef:
    """A model by content; where it was found (a folder, or a hub id with its revision) is only remembered."""

    path: str
    fingerprint: str
    revision: str | None = None


def place_of(model: ModelRef) -> str:
    """Where a model was found: a folder, or a hub id with its revision."""
    return f"{model.path}@{model.revision}" if model.revision else model.path


Setting = float | bool | str | tuple[float, ...]

OWN_FIELDS = ("weight", "density", "lambda", "normalize", "rescale")
"""The parameters that are fields of `Parameters`; all others stand in `more`."""


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
    origins: tuple[int | None, ...] = ()
    """Per input (the base, then the experts) the layer that it gives for `start`, the next one for the next
    layer, and so on; None: it takes no part, and its parameters are ignored. () is `start` for all.

    What lies in no layer follows the edges: an input that takes no part in the first group gives no
    embeddings, one that takes none in the last gives no final norm and no head.
    """

    def takes_part(self, i: int) -> bool:
        """Whether input `i` (0 is the base) gives layers to this group."""
        return not self.origins or self.origins[i] is not None


def canonical_rules(
    rules: tuple[Rule, ...], method: Method, present: tuple[bool, ...] | None = None
) -> tuple[Rule, ...]:
    """Rules without what the method ignores, and without those that say no more than the fallback.

    `present` says of each expert whether it takes part; None: all do.
    """
    *special, fallback = (
        replace(rule, parameters=_canonical(rule.parameters, method, present)) for rule in rules
    )
    while special and special[-1].parameters == fallback.parameters:
        special.pop()
    return (*special, fallback)


def _canonical(parameters: Parameters, method: Method, present: tuple[bool, ...] | None) -> Parameters:
    used = method.parameters
    there = present or (True,) * len(parameters.weight)
    weight = tuple(
        (float(number) + 0.0 if "weight" in used else 1.0) if here else 0.0  # + 0.0 turns -0.0 into 0.0
        for number, here in zip(parameters.weight, there, strict=True)
    )
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
        more=tuple((name, _full(name, parameters, method, density)) for name in sorted(more_of(method))),
    )


def _full(name: str, parameters: Parameters, method: Method, density: tuple[float, ...]) -> Setting:
    """A setting with the registry's default in place of what is not given or, at density 1, not felt."""
    given, default = dict(parameters.more).get(name), method.defaults[name]
    if PARAMETERS[name].per_expert:
        assert isinstance(default, float), f"{method.name}: no default for {name}"
        values = given if isinstance(given, tuple) else (default,) * len(density)
        return tuple(
            float(value) if kept < 1 else default for value, kept in zip(values, density, strict=True)
        )
    value = default if given is None else given
    assert value is not REQUIRED, f"{method.name}: {name} is not given"
    return float(value) + 0.0 if PARAMETERS[name].kind == "float" else value  # type: ignore[arg-type]


def more_of(method: Method) -> tuple[str, ...]:
    """Names of the method's parameters that stand in `more`."""
    return tuple(name for name in method.parameters if name not in OWN_FIELDS)


def model_to_dict(model: ModelRef) -> dict[str, Any]:
    revision = {} if model.revision is None else {"revision": model.revision}
    return {"path": model.path, **revision, "fingerprint": model.fingerprint}


def model_from(fields: Fields) -> ModelRef:
    model = ModelRef(
        fields.take("path", str), fields.take("fingerprint", str), fields.take("revision", str, None)
    )
    fields.done()
    return model


def group_to_dict(group: LayerGroup, method: Method) -> dict[str, Any]:
    origins = {"origins": list(group.origins)} if group.origins else {}
    return {"start": group.start, "stop": group.stop, **origins, "rules": rules_to_list(group.rules, method)}


def rules_to_list(rules: tuple[Rule, ...], method: Method) -> list[dict[str, Any]]:
    return [
        {
            "match": list(rule.match),
            "weight": list(rule.parameters.weight),
            "density": list(rule.parameters.density),
            "lambda": rule.parameters.lambda_,
            "normalize": rule.parameters.normalize,
            "rescale": rule.parameters.rescale,
            **{
                name: list(value) if isinstance(value, tuple) else value
                for name, value in rule.parameters.more
                if name in method.parameters
            },
        }
        for rule in rules
    ]


def group_from(fields: Fields, method: Method) -> LayerGroup:
    rules = tuple(rule_from(part, method) for part in fields.parts("rules"))
    origins = fields.places("origins") if fields.has("origins") else ()
    group = LayerGroup(fields.take("start", int), fields.take("stop", int), rules, origins)
    fields.done()
    return group


def rule_from(fields: Fields, method: Method) -> Rule:
    match = fields.sequence("match", str)
    parameters = Parameters(
        weight=fields.sequence("weight", float),
        density=fields.sequence("density", float),
        lambda_=fields.take("lambda", float, 1.0),
        normalize=fields.take("normalize", bool, False),
        rescale=fields.take("rescale", bool, False),
        more=tuple(
            (name, _setting_from(fields, PARAMETERS[name]))
            for name in sorted(more_of(method))
            if fields.has(name)
        ),
    )
    fields.done()
    return Rule(match, parameters)


def _setting_from(fields: Fields, parameter: Parameter) -> Setting:
    if parameter.per_expert:
        return fields.sequence(parameter.name, float)
    kinds: dict[str, type[Any]] = {"float": float, "int": int, "bool": bool, "word": str}
    value: Setting = fields.take(parameter.name, kinds[parameter.kind])
    return value
