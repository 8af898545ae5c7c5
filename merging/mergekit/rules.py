"""mergekit's parameter settings (levels, filters, gradients) as rules of which the first match wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merging.errors import RecipeError
from merging.mergekit.frame import Slice, check_keys, need
from merging.mergekit.values import Kind, value_at
from merging.methods.registry import PARAMETERS, REQUIRED, Method
from merging.recipe import Parameters, Rule
from merging.recipe.rules import Setting, more_of
from merging.shown import shown

Found = tuple[str | None, Any]
OF_INPUTS = ("scale",)
"""Shared here, as there is one input; mergekit reads them of each, by the name of the tensor there."""
_UNSAID = ("from_base",)  # mergekit says it by naming a base_model
_NO_EFFECT = (
    "int8_mask",
    "embed_slerp",
)  # the type of masks, which changes no number; a word of old versions
_ABSENT = object()


@dataclass(frozen=True)
class Column:
    """One parameter of one expert, or of all: (filter, setting) pairs; the first that matches wins."""

    parameter: str
    expert: int | None
    of_input: int | None
    """The expert by whose tensor names mergekit filters; None for the names of what is written."""
    label: str
    conditions: tuple[Found, ...]

    @property
    def kind(self) -> Kind:
        return PARAMETERS[self.parameter].kind

    def hit(self, name: str) -> int:
        return next(i for i, (part, _) in enumerate(self.conditions) if part is None or part in name)


@dataclass(frozen=True)
class Named:
    """A tensor of the merged model, with what each expert calls its part in it; None for no part."""

    name: str
    sources: tuple[str | None, ...]

    def seen_by(self, column: Column) -> str:
        """The name that mergekit holds against the column's filters."""
        return self.name if column.of_input is None else self.sources[column.of_input] or self.name


def columns_of(method: Method, piece: Slice, experts: Sequence[str], top: Mapping[str, Any]) -> list[Column]:
    """What the method reads of the experts that take part in this slice, and of all."""
    shared_levels = (piece.parameters, top)
    for settings in (*(source.parameters for source in piece.sources), *shared_levels):
        _check_names(settings)
    columns = []
    for name in method.parameters:
        if name in _UNSAID:
            continue
        default = _ABSENT if method.defaults[name] is REQUIRED else method.defaults[name]
        shared = not PARAMETERS[name].per_expert
        for i, model in enumerate(experts):
            source = piece.source_of(model)
            if source is None or (shared and name not in OF_INPUTS):
                continue
            label = f"{name} of {model}" + (
                " (as base_model, it is one of the models)" if source.added else ""
            )
            levels = (source.parameters, *shared_levels)
            conditions = _levels(name, levels, default)
            columns.append(Column(name, None if shared else i, i, label, conditions))
        if shared and name not in OF_INPUTS:
            columns.append(Column(name, None, None, name, _levels(name, shared_levels, default)))
    return columns


def without_effect(
    method: Method, slices: Sequence[Slice], experts: Sequence[str], top: Mapping[str, Any]
) -> list[str]:
    """Settings that mergekit lets stand and never reads, as this method is."""
    per_expert = [name for name in method.parameters if PARAMETERS[name].per_expert or name in OF_INPUTS]
    found = [name for name in top if name not in method.parameters]
    for piece in slices:
        found += [name for name in piece.parameters if name not in method.parameters]
        for source in piece.sources:
            read = per_expert if source.model in experts else []
            found += [f"{name} of {source.model}" for name in source.parameters if name not in read]
    return list(dict.fromkeys(found))


def _check_names(settings: Mapping[str, Any]) -> None:
    for name in _UNSAID:
        if name in settings:
            raise RecipeError(
                f"parameters.{name}: leave it out; with a base_model task vectors are merged, else weights"
            )
    known = [name for name in PARAMETERS if name not in _UNSAID]
    check_keys(settings, (*known, *_NO_EFFECT), "parameters")


def _levels(name: str, levels: Sequence[Mapping[str, Any]], default: Any) -> tuple[Found, ...]:
    """Levels from source to top; one whose filters match nothing leaves the tensor to the next."""
    settings = [
        condition
        for level in levels
        if level.get(name) is not None
        for condition in _conditions(level[name], name)
    ]
    return (*settings, (None, default))


def _conditions(setting: Any, name: str) -> Iterator[Found]:
    entries = (
        setting if isinstance(setting, list) and any(isinstance(e, dict) for e in setting) else [setting]
    )
    for entry in entries:
        if not isinstance(entry, dict):
            yield None, entry
            continue
        check_keys(entry, ("filter", "value"), f"parameters.{name}")
        part = entry.get("filter")
        if isinstance(part, list | dict):
            raise RecipeError(
                f"parameters.{name}: filter: expected a text, found {shown(part)}; give each text"
                " an entry of its own"
            )
        yield None if part in (None, "*") else str(part), need(entry, "value", f"parameters.{name}")


def rules_of(
    method: Method, columns: Sequence[Column], tensors: Sequence[Named], t: float, from_base: bool
) -> tuple[Rule, ...]:
    """Rules that give each of these tensors the first match of every column.

    In the lexicographic order of their first matches: an earlier rule that also matched a tensor would hold
    an earlier match in some column. Where layers are shifted and a filter tells their numbers apart, each
    tensor is named instead.
    """
    hits = {tensor: tuple(column.hit(tensor.seen_by(column)) for column in columns) for tensor in tensors}
    parameters = {
        hit: _parameters(method, columns, hit, t, tensor, from_base) for tensor, hit in hits.items()
    }
    if any(hit != tuple(column.hit(tensor.name) for column in columns) for tensor, hit in hits.items()):
        named = sorted(tensors, key=lambda tensor: (-len(tensor.name), tensor.name))
        rules = [Rule((tensor.name,), parameters[hits[tensor]]) for tensor in named]
        return (*rules[:-1], Rule((), rules[-1].parameters))
    rules = [
        Rule(_match(columns, hit), made) for hit, made in sorted(parameters.items(), key=lambda item: item[0])
    ]
    return (*rules[:-1], Rule((), rules[-1].parameters))


def _match(columns: Sequence[Column], hit: tuple[int, ...]) -> tuple[str, ...]:
    parts = [column.conditions[i][0] for column, i in zip(columns, hit, strict=True)]
    return tuple(dict.fromkeys(part for part in parts if part is not None))


def _parameters(
    method: Method,
    columns: Sequence[Column],
    hit: tuple[int, ...],
    t: float,
    tensor: Named,
    from_base: bool,
) -> Parameters:
    """The method's parameters of one tensor; an expert that takes no part in it is given neutral ones."""
    found: dict[tuple[str, int | None], Setting] = {}
    given = {"from_base"} if "from_base" in method.parameters else set()
    for column, i in zip(columns, hit, strict=True):
        setting = column.conditions[i][1]
        if setting is _ABSENT:
            raise RecipeError(f"{column.label}: missing for {tensor.name}; give one without a filter")
        found[column.parameter, column.expert] = value_at(setting, t, column.label, column.kind)
        if len(column.conditions) > 1:
            given.add(column.parameter)
    found["from_base", None] = from_base
    everyone = range(len(tensor.sources))

    def of_each(name: str, neutral: Any) -> tuple[float, ...]:
        return tuple(float(found.get((name, i), neutral)) for i in everyone)

    more = tuple(
        (name, of_each(name, method.defaults[name]) if PARAMETERS[name].per_expert else found[name, None])
        for name in sorted(more_of(method))
        if name in given
    )
    return Parameters(
        weight=of_each("weight", 0.0 if "weight" in method.parameters else 1.0),
        density=of_each("density", 1.0),
        lambda_=float(found.get(("lambda", None), 1.0)),  # type: ignore[arg-type]
        normalize=bool(found.get(("normalize", None), False)),
        rescale=bool(found.get(("rescale", None), False)),
        more=more,
    )
