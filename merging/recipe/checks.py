"""What makes parameters mean no merge, by the registry; refusals name the group, the field and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator

from merging.errors import RecipeError
from merging.methods.registry import PARAMETERS, REQUIRED, Method, Parameter, nearest
from merging.recipe.rules import OWN_FIELDS, LayerGroup, Parameters, Rule, Setting, more_of
from merging.shown import shown

_EXACT = 1e-9
"""How far numbers may pass a limit: 0.85 + 0.15 is not exactly 1."""
_LARGEST = 3.4028234663852886e38
"""The largest number of float32."""


def check_contiguous(layers: tuple[LayerGroup, ...]) -> None:
    expected = 0
    for group in layers:
        if group.start != expected or group.stop <= group.start:
            raise RecipeError(
                f"layers: the group {group.start}-{group.stop - 1} should start at {expected}"
                " and hold a layer; groups follow each other from 0 without gaps"
            )
        expected = group.stop


def check_experts(where: str, method: Method, present: tuple[bool, ...]) -> None:
    """Refuse fewer or more experts than the method takes; `present` are those that take part here."""
    (fewest, most), found = method.experts, sum(present)
    if fewest <= found <= (most or found):
        return
    takes = f"{fewest}" if fewest == most else f"at least {fewest}" if most is None else f"{fewest} to {most}"
    noun = "expert" if fewest == 1 else "experts"
    absent = "" if all(present) else f", {found} of which take part here"
    beside = "" if method.base == "config only" else " beside the base"
    raise RecipeError(
        f"{where}: experts: {method.name} takes {takes} {noun}{beside}, found {len(present)}{absent};"
        " name others, or another method"
    )


def check_rules(
    where: str, rules: tuple[Rule, ...], method: Method, present: tuple[bool, ...], compat: bool = False
) -> None:
    """Check the rules of one part; `present` says of each expert whether it takes part there.

    With `compat`, numbers that mergekit takes to mean a merge are let through.
    """
    if not rules or rules[-1].match:
        raise RecipeError(f"{where}: the last rule must match all tensors (match: [])")
    if any("*" in part for rule in rules for part in rule.match):
        raise RecipeError(f"{where}: match: '*' is in no tensor's name; [] matches all")
    for rule in rules:
        _check_own_fields(where, rule.parameters, method, len(present))
        _check_more(where, rule.parameters, method, len(present))
        _check_sum(where, rule.parameters, method, present)
        _check_sparsifier(where, rule.parameters, method, present, compat)
    if compat and any(rule.parameters.get("variant", "mergekit") != "mergekit" for rule in rules):
        raise RecipeError(f"{where}: variant: mergekit knows its own alone; leave variant or compat out")


def _check_own_fields(where: str, parameters: Parameters, method: Method, experts: int) -> None:
    for field in ("weight", "density"):
        values = getattr(parameters, field)
        if len(values) != experts:
            raise RecipeError(f"{where}: {field}: {len(values)} numbers for {experts} experts; give one each")
    for field, numbers in (("weight", parameters.weight), ("lambda", (parameters.lambda_,))):
        for number in numbers:
            _check_size(f"{where}: {field}", number)
    keeps_one = method.sparsifier in ("magnitude", "outliers")
    if not all(0 < density <= 1 or (density == 0 and keeps_one) for density in parameters.density):
        raise RecipeError(
            f"{where}: density: {list(parameters.density)} leaves {'[' if keeps_one else '('}0, 1];"
            " use weight 0 to leave one out"
        )


def _check_more(where: str, parameters: Parameters, method: Method, experts: int) -> None:
    names = [name for name, _ in parameters.more]
    for name, value in parameters.more:
        if names.count(name) > 1:
            raise RecipeError(f"{where}: {name}: given twice; keep one")
        if name in OWN_FIELDS or name not in PARAMETERS:
            known = more_of(method)
            listed = f"{method.name} reads {', '.join(known)}" if known else f"{method.name} reads none"
            hint = "; it has a field of its own" if name in OWN_FIELDS else nearest(name, known)
            raise RecipeError(f"{where}: {name}: is no further parameter{hint}; {listed}")
        _check_setting(f"{where}: {name}", PARAMETERS[name], value, experts)
    for name in more_of(method):
        if method.defaults[name] is REQUIRED and name not in names:
            raise RecipeError(
                f"{where}: {name}: missing; {method.name} needs it ({PARAMETERS[name].summary})"
            )
    t = parameters.get("t", 0.0)
    if method.name == "slerp" and isinstance(t, float | int) and t > 1:
        raise RecipeError(f"{where}: t: {t} is beyond the expert; give a number from 0 (base) to 1 (expert)")


def _check_setting(where: str, parameter: Parameter, value: Setting, experts: int) -> None:
    if parameter.kind == "word":
        if value not in parameter.words:
            hint = nearest(str(value), parameter.words)
            raise RecipeError(f"{where}: {shown(value)} is none of {', '.join(parameter.words)}{hint}")
    elif parameter.kind == "bool":
        if not isinstance(value, bool):
            raise RecipeError(f"{where}: expected true or false, found {shown(value)}")
    elif parameter.per_expert:
        if not isinstance(value, tuple) or len(value) != experts:
            found = f"{len(value)} numbers" if isinstance(value, tuple) else shown(value)
            raise RecipeError(f"{where}: {found} for {experts} experts; give one each")
        for number in value:
            _check_number(where, parameter, number)
    else:
        _check_number(where, parameter, value)


def _check_number(where: str, parameter: Parameter, value: Setting) -> None:
    whole = parameter.kind == "int"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise RecipeError(f"{where}: expected a {'whole ' if whole else ''}number, found {shown(value)}")
    _check_size(where, value)
    if not within(parameter, value):
        raise RecipeError(f"{where}: {shown(value)} is out of range; give a number {span(parameter)}")


def _check_size(where: str, number: float) -> None:
    if not abs(number) <= _LARGEST:
        raise RecipeError(
            f"{where}: must be a finite number, at most 3.4e38 in size, found {shown(number)}; it is computed"
            " with in float32"
        )


def within(parameter: Parameter, value: float) -> bool:
    """Whether a number is in the parameter's range."""
    above = value > parameter.low if parameter.open_low else value >= parameter.low
    return above and value <= parameter.high


def span(parameter: Parameter) -> str:
    """The parameter's range in words."""
    low = (
        "" if parameter.low == -math.inf else f"{'above' if parameter.open_low else 'from'} {parameter.low:g}"
    )
    high = "" if parameter.high == math.inf else f"up to {parameter.high:g}"
    return " ".join(part for part in (low, high) if part) or "of any size"


def _check_sum(where: str, parameters: Parameters, method: Method, present: tuple[bool, ...]) -> None:
    """Refuse weights that a method divides by, or averages with, where they cancel."""
    if "weight" not in method.parameters:
        return
    weight = [number for number, here in zip(parameters.weight, present, strict=True) if here]
    if method.base == "config only":
        divides, averages = parameters.normalize, True
    elif "normalize_weights" in method.parameters and len(weight) > 1:
        divides = bool(parameters.get("normalize_weights", method.defaults["normalize_weights"] or False))
        averages = not parameters.get("from_base", False)
    else:
        return
    if (averages and not any(weight)) or (divides and abs(math.fsum(weight)) < 1e-6):
        raise RecipeError(
            f"{where}: weight: {list(parameters.weight)} sum to zero, so there is no average of them;"
            " give weights that do not cancel"
        )


def _check_sparsifier(
    where: str, parameters: Parameters, method: Method, present: tuple[bool, ...], compat: bool
) -> None:
    """Refuse shares that contradict each other; at density 1 nothing is dropped, whatever they are."""
    for i, density, value in _thinned(parameters, method, present):
        expert = f"of expert {i + 1} with density {density:g}"
        room = min(density, 1 - density)
        if method.sparsifier == "magprune" and value >= room - _EXACT:
            raise RecipeError(
                f"{where}: epsilon: {value:g} {expert} leaves (0, 1): density ± epsilon are probabilities;"
                f" give an epsilon below {room:g}, or another density"
            )
        told = value != method.defaults.get("gamma")
        if method.sparsifier == "outliers" and told and not compat and value > 1 - density + _EXACT:
            raise RecipeError(
                f"{where}: gamma: {value:g} {expert} drops more than the {1 - density:g} that density leaves"
                " out; lower one of them"
            )


def _thinned(
    parameters: Parameters, method: Method, present: tuple[bool, ...]
) -> Iterator[tuple[int, float, float]]:
    """Position, density, and gamma or epsilon of the experts that the method thins."""
    names = [name for name in ("gamma", "epsilon") if name in method.parameters]
    for name in names:
        given = parameters.get(name, method.defaults[name] or 0.0)
        for i, density in enumerate(parameters.density):
            value = given[i] if isinstance(given, tuple) else given
            if density < 1 and present[i] and isinstance(value, float | int):
                yield i, density, value
