"""What a merged model is made of: its tensors in layer order, and those of the inputs each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from merging.errors import RecipeError
from merging.layout import HEAD, layer_index, layer_order, n_layers, other_part, tied_embedding
from merging.models.checkpoint import Checkpoint
from merging.recipe import Recipe
from merging.recipe.rules import Parameters
from merging.recipe.stacking import rename_layer
from merging.statistics.known import TensorSet


@dataclass(frozen=True)
class Part:
    """One tensor of the merged model, before any parameters: the inputs that take part in it."""

    name: str
    layer: int | None
    present: tuple[int, ...]
    """Experts that take part, by their place in the recipe; none in what lies beside a language model."""
    has_base: bool
    tensors: TensorSet
    """Where the base takes no part, the first expert stands in its place, unread."""
    peaks: tuple[float, ...]
    """Largest magnitude in the base's tensor, then in each expert's."""


@dataclass(frozen=True)
class Ingredients:
    """What a step is made of: tensors of the experts that take part, and parameters of these alone."""

    name: str
    tensors: TensorSet
    parameters: Parameters
    keys: tuple[int, ...]
    """Of each expert's random mask."""
    peaks: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of experts."""
        return len(self.tensors.experts)

    def pick(self, experts: Sequence[int]) -> Ingredients:
        """The same with these experts only."""
        return Ingredients(
            self.name,
            self.tensors.pick(experts),
            among(self.parameters, experts),
            tuple(self.keys[i] for i in experts),
            (self.peaks[0], *(self.peaks[i + 1] for i in experts)),
        )


def among(parameters: Parameters, experts: Sequence[int]) -> Parameters:
    """The parameters with the numbers of these experts only."""
    if len(experts) == len(parameters.weight):
        return parameters
    return replace(
        parameters,
        weight=tuple(parameters.weight[i] for i in experts),
        density=tuple(parameters.density[i] for i in experts),
        more=tuple(
            (name, tuple(value[i] for i in experts) if isinstance(value, tuple) else value)
            for name, value in parameters.more
        ),
    )


def merged_shapes(recipe: Recipe, models: Sequence[Checkpoint]) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of the merged model, in layer order; `models` are the base, then the experts.

    Raises:
        RecipeError: the recipe has layers that its models lack.
    """
    _check_layers(recipe, models)
    shapes = {}
    for name, donor, source in _sources(recipe, models):
        shapes[name] = models[donor].tensors[_stored(models[donor], source)].shape
    return {name: shapes[name] for name in layer_order(shapes)}


def outline(
    recipe: Recipe,
    models: Sequence[Checkpoint],
    fingerprints: Sequence[str],
    peaks: Sequence[Mapping[str, float]],
) -> tuple[Part, ...]:
    """The parts of the merged model in layer order; all sequences have the base first.

    It depends on a recipe's models and the origins of its layers only. Tensors are mapped, not read.
    """
    return tuple(_part(recipe, models, fingerprints, peaks, name) for name in merged_shapes(recipe, models))


def _part(
    recipe: Recipe,
    models: Sequence[Checkpoint],
    fingerprints: Sequence[str],
    peaks: Sequence[Mapping[str, float]],
    name: str,
) -> Part:
    kept = other_part(name) is not None  # the same in all models of a family, whatever their layers
    wanted = [name] if kept else [recipe.source_name(i, name) for i in range(len(models))]
    stored = {i: _stored(models[i], source) for i, source in enumerate(wanted) if source is not None}
    present = tuple(i for i in stored if i)
    places = (0 if 0 in stored else present[0], *present)
    tensors = tuple(models[i].tensor(stored[i]) for i in places)
    ids = tuple(f"{fingerprints[i]}/{stored[i]}" for i in places)
    return Part(
        name=name,
        layer=layer_index(name),
        present=tuple(i - 1 for i in present),
        has_base=0 in stored,
        tensors=TensorSet(tensors[0], tensors[1:], ids[0], ids[1:]),
        peaks=tuple(peaks[i].get(stored[i], float("nan")) for i in places),
    )


def _check_layers(recipe: Recipe, models: Sequence[Checkpoint]) -> None:
    depths = [n_layers(model.tensors) for model in models]
    if not recipe.stacked and recipe.depth != depths[0]:
        raise RecipeError(
            f"layers: the recipe has {recipe.depth}, {models[0].path} has {depths[0]}; make the last group's"
            f" `stop` {depths[0]}"
        )
    for layer in range(recipe.depth if recipe.stacked else 0):
        for i, (model, depth) in enumerate(zip(models, depths, strict=True)):
            origin = recipe.origin(i, layer)
            if origin is not None and not origin < depth:
                raise RecipeError(
                    f"layers: origins: layer {layer} is to come from layer {origin} of {model.path}, which"
                    f" has only {depth}; name a layer from 0 to {depth - 1}"
                )


def _sources(recipe: Recipe, models: Sequence[Checkpoint]) -> Iterator[tuple[str, int, str]]:
    """Every tensor's name, an input that gives one for it, and that one's name."""
    for name in models[0].tensors:
        if layer_index(name) is None or not recipe.stacked:
            yield name, 0, name
    for layer in range(recipe.depth if recipe.stacked else 0):
        donor = next(i for i in range(len(models)) if recipe.origin(i, layer) is not None)
        for source in models[donor].tensors:
            if layer_index(source) == recipe.origin(donor, layer):
                yield rename_layer(source, layer), donor, source


def _stored(model: Checkpoint, name: str) -> str:
    """A head that is not stored is the embedding that it is tied to."""
    if name == HEAD and name not in model.tensors:
        return tied_embedding(model.tensors) or name
    return name
