"""The frame of a mergekit config: which models, which layers, which settings, in plain dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merging.errors import RecipeError
from merging.methods.registry import nearest
from merging.shown import shown


@dataclass(frozen=True)
class Source:
    model: str
    start: int
    stop: int
    parameters: Mapping[str, Any]
    added: bool = False
    """Whether it is the base model, which mergekit counts among the models that a file lists."""


@dataclass(frozen=True)
class Slice:
    """mergekit's output slice: as many layers of every source, merged with each other."""

    sources: tuple[Source, ...]
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        models = [source.model for source in self.sources]
        for i, model in enumerate(models):
            if model in models[:i]:
                raise RecipeError(f"model {shown(model)} is listed twice; give it once, with one weight")

    @property
    def length(self) -> int:
        return self.sources[0].stop - self.sources[0].start

    def source_of(self, model: str) -> Source | None:
        return next((source for source in self.sources if source.model == model), None)


def models_named(config: Mapping[str, Any]) -> list[str]:
    """Every model of `models` or `slices`, once, in the order of the file."""
    if ("models" in config) == ("slices" in config):
        raise RecipeError("exactly one of 'models' and 'slices' must be given")
    if "models" in config:
        places = [(f"models[{i}]", entry) for i, entry in enumerate(entries_of(config, "models"))]
    else:
        places = [
            (f"slices[{i}].sources[{k}]", entry)
            for i, piece in enumerate(entries_of(config, "slices"))
            for k, entry in enumerate(entries_of(piece, "sources", f"slices[{i}]"))
        ]
    return list(dict.fromkeys(model_name(need(entry, "model", where), where) for where, entry in places))


def base_named(config: Mapping[str, Any]) -> str | None:
    """The base model, which slices may name too, if all name the same."""
    named = model_name(config["base_model"], "base_model") if config.get("base_model") else None
    pieces = entries_of(config, "slices") if "slices" in config else []
    own = [piece.get("base_model") for piece in pieces]
    found = {
        named if base is None else model_name(base, f"slices[{i}].base_model") for i, base in enumerate(own)
    }
    if len(found) > 1:
        raise RecipeError(
            "slices: base_model differs between slices; a merge has one base here, so merge them one by one"
        )
    return found.pop() if found else named


def read_slices(config: Mapping[str, Any], base: str | None, depths: Mapping[str, int]) -> list[Slice]:
    """The slices; `depths` are the numbers of layers of the models."""
    if "slices" in config:
        return [_slice(entry, f"slices[{i}]", depths) for i, entry in enumerate(entries_of(config, "slices"))]
    sources = [_whole(entry, f"models[{i}]", depths) for i, entry in enumerate(entries_of(config, "models"))]
    if base is not None and base not in [source.model for source in sources]:
        sources.append(Source(base, 0, depths[base], {}, added=True))
    if len({source.stop for source in sources}) > 1:
        found = ", ".join(f"{shown(source.model)} {source.stop}" for source in sources)
        raise RecipeError(f"models: differ in their numbers of layers ({found}); use 'slices' to pair layers")
    return [Slice(tuple(sources), {})]


def _slice(entry: Mapping[str, Any], where: str, depths: Mapping[str, int]) -> Slice:
    if entry.get("residual_weight") is not None:
        raise RecipeError(f"{where}.residual_weight: mergekit 0.1.5 has no use for it; leave it out")
    check_keys(entry, ("sources", "parameters", "base_model", "residual_weight"), where)
    sources = tuple(
        _source(source, f"{where}.sources[{i}]", depths)
        for i, source in enumerate(entries_of(entry, "sources", where))
    )
    piece = Slice(sources, mapping_of(entry.get("parameters"), f"{where}.parameters"))
    for i, source in enumerate(sources):
        if source.stop - source.start != piece.length:
            raise RecipeError(
                f"{where}.sources[{i}].layer_range: {source.stop - source.start} layers, but sources[0] gives"
                f" {piece.length}; layers are merged one to one"
            )
    return piece


def _whole(entry: Mapping[str, Any], where: str, depths: Mapping[str, int]) -> Source:
    check_keys(entry, ("model", "parameters"), where)
    model = model_name(need(entry, "model", where), where)
    return Source(model, 0, depths[model], mapping_of(entry.get("parameters"), f"{where}.parameters"))


def _source(entry: Mapping[str, Any], where: str, depths: Mapping[str, int]) -> Source:
    check_keys(entry, ("model", "layer_range", "parameters"), where)
    layers = need(entry, "layer_range", where)
    if not (isinstance(layers, list) and len(layers) == 2 and all(type(n) is int for n in layers)):
        raise RecipeError(f"{where}.layer_range: expected two whole numbers, found {shown(layers)}")
    model, (start, stop) = model_name(need(entry, "model", where), where), layers
    if not 0 <= start < stop <= depths[model]:
        raise RecipeError(
            f"{where}.layer_range: [{start}, {stop}] is no run of layers of {shown(model)}, which has"
            f" {depths[model]}; the first is 0, and the end is not included"
        )
    return Source(model, start, stop, mapping_of(entry.get("parameters"), f"{where}.parameters"))


def model_name(value: Any, where: str) -> str:
    """A model's path or hub id with revision, or `model+lora`; mergekit also spells them out as a mapping."""
    if not isinstance(value, dict):
        return _place_name(value, where)
    if value.get("override_architecture"):
        raise RecipeError(
            f"{where}: override_architecture: is not done here; a model is what its config says"
        )
    model = _place_name(value.get("model", value), where)
    return f"{model}+{_place_name(value['lora'], where)}" if value.get("lora") else model


def _place_name(value: Any, where: str) -> str:
    place = value.get("path") if isinstance(value, dict) else value
    if not isinstance(place, str):
        raise RecipeError(f"{where}: expected a model's path or hub id, found {shown(value)}")
    revision = value.get("revision") if isinstance(value, dict) else None
    return f"{place}@{revision}" if revision else place


def check_keys(found: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in found:
        if key not in known:
            hint = nearest(key, known) if isinstance(key, str) else ""
            raise RecipeError(
                f"{where}{': ' if where else ''}{shown(key)} is not known here{hint}; known:"
                f" {', '.join(known)}"
            )


def need(entry: Mapping[str, Any], key: str, where: str) -> Any:
    if entry.get(key) is None:
        raise RecipeError(f"{where}{'.' if where else ''}{key}: missing")
    return entry[key]


def entries_of(entry: Mapping[str, Any], key: str, where: str = "") -> list[Mapping[str, Any]]:
    value = need(entry, key, where)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise RecipeError(f"{where}{'.' if where else ''}{key}: expected a list of mappings")
    return value


def mapping_of(value: Any, where: str) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise RecipeError(f"{where}: expected a mapping, found {shown(value)}")
    return value or {}
