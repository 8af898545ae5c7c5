"""The frame of a mergekit config: which models, which layers, which settings, in plain dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merging.errors import RecipeError
from merging.methods import nearest

_STACKING = "layers keep their places here, each once"


@dataclass(frozen=True)
class Source:
    model: str
    start: int
    stop: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Slice:
    """mergekit's output slice: here always the same layers of every source."""

    sources: tuple[Source, ...]
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        models = [source.model for source in self.sources]
        for i, model in enumerate(models):
            if model in models[:i]:
                raise RecipeError(f"model {model!r} is listed twice; give it once, with one weight")

    @property
    def layers(self) -> tuple[int, int]:
        return self.sources[0].start, self.sources[0].stop


def read_slices(config: Mapping[str, Any], depth: int) -> list[Slice]:
    if ("models" in config) == ("slices" in config):
        raise RecipeError("exactly one of 'models' and 'slices' must be given")
    if "models" in config:
        entries = entries_of(config, "models")
        sources = tuple(_source(entry, f"models[{i}]", depth) for i, entry in enumerate(entries))
        return [Slice(sources, {})]
    slices = [_slice(entry, f"slices[{i}]") for i, entry in enumerate(entries_of(config, "slices"))]
    expected = 0
    for i, piece in enumerate(slices):
        if {source.model for source in piece.sources} != {source.model for source in slices[0].sources}:
            raise RecipeError(f"slices[{i}]: names other models than slices[0]; every slice needs them all")
        if piece.layers[0] != expected:
            raise RecipeError(
                f"slices[{i}]: layer_range starts at {piece.layers[0]}, expected {expected}; {_STACKING}"
            )
        if not expected < piece.layers[1] <= depth:
            raise RecipeError(
                f"slices[{i}]: layer_range ends at {piece.layers[1]}, expected {expected + 1} to {depth}"
            )
        expected = piece.layers[1]
    if expected != depth:
        raise RecipeError(f"slices: end at layer {expected}, the model has {depth}; {_STACKING}")
    return slices


def _slice(entry: Mapping[str, Any], where: str) -> Slice:
    check_keys(entry, ("sources", "parameters"), where)
    sources = tuple(
        _source(source, f"{where}.sources[{i}]")
        for i, source in enumerate(entries_of(entry, "sources", where))
    )
    piece = Slice(sources, mapping_of(entry.get("parameters"), f"{where}.parameters"))
    for source in sources:
        if (source.start, source.stop) != piece.layers:
            raise RecipeError(f"{where}: layer_range differs between sources; {_STACKING}")
    return piece


def _source(entry: Mapping[str, Any], where: str, depth: int | None = None) -> Source:
    """A model and its layers; `depth` stands for the whole model where no range is given."""
    check_keys(entry, ("model", "parameters") if depth else ("model", "layer_range", "parameters"), where)
    layers = [0, depth] if depth else need(entry, "layer_range", where)
    if not (isinstance(layers, list) and len(layers) == 2 and all(type(n) is int for n in layers)):
        raise RecipeError(f"{where}.layer_range: expected two whole numbers, found {layers!r}")
    model = model_name(need(entry, "model", where), where)
    return Source(model, layers[0], layers[1], mapping_of(entry.get("parameters"), f"{where}.parameters"))


def model_name(value: Any, where: str) -> str:
    """A model's path or hub id with revision; mergekit also spells them out as a mapping."""
    inner = value.get("model", value) if isinstance(value, dict) else value
    if isinstance(inner, dict):
        revision = inner.get("revision")
        inner = f"{inner.get('path')}@{revision}" if revision else inner.get("path")
    elif isinstance(inner, str) and "+" in inner:
        raise RecipeError(f"{where}: {inner!r} names a LoRA after '+'; merge it into its model first")
    if not isinstance(inner, str) or (isinstance(value, dict) and value.get("lora")):
        raise RecipeError(f"{where}: expected a model's path or hub id, found {value!r}")
    return inner


def check_keys(found: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in found:
        if key not in known:
            hint = nearest(str(key), known)
            raise RecipeError(
                f"{where}{': ' if where else ''}{key!r} is not known here{hint}; known: {', '.join(known)}"
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
        raise RecipeError(f"{where}: expected a mapping, found {value!r}")
    return value or {}
