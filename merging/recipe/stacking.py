"""Layer stacking: which layer of which input a layer of the merged model is made of."""

from __future__ import annotations

from collections.abc import Sequence

from merging.errors import RecipeError
from merging.layout import is_embedding, layer_index
from merging.methods.registry import Method
from merging.recipe.checks import check_experts
from merging.recipe.rules import LayerGroup


def rename_layer(name: str, layer: int) -> str:
    """A tensor's name with another layer's number in it."""
    old = layer_index(name)
    parts = name.split(".")
    place = next(i for i, part in enumerate(parts) if i and part.isdecimal() and int(part) == old)
    return ".".join((*parts[:place], str(layer), *parts[place + 1 :]))


def present_inputs(layers: Sequence[LayerGroup], name: str, inputs: int) -> tuple[bool, ...]:
    """Which inputs (the base, then the experts) take part in a tensor that is in no layer.

    As in mergekit: embeddings are of the first group's inputs, final norm and head of the last group's.
    """
    if not layers:
        return (True,) * inputs
    group = layers[0 if is_embedding(name) else -1]
    return tuple(group.takes_part(i) for i in range(inputs))


def outer_experts(layers: Sequence[LayerGroup], experts: int) -> tuple[bool, ...]:
    """Which experts take part in any tensor that is in no layer."""
    edges = (layers[0], layers[-1]) if layers else ()
    return tuple(not edges or any(edge.takes_part(i + 1) for edge in edges) for i in range(experts))


def offsets(group: LayerGroup, method: Method) -> tuple[int | None, ...]:
    """How far each input's layers are shifted, None where it takes no part; () where nothing is shifted."""
    shifts = [None if origin is None else origin - group.start for origin in group.origins]
    if shifts and _base_unread(group, method):
        shifts[0] = 0
    return tuple(shifts) if any(shift != 0 for shift in shifts) else ()


def joined(groups: Sequence[LayerGroup]) -> tuple[LayerGroup, ...]:
    """Groups that go on alike as one."""
    made: list[LayerGroup] = []
    for group in groups:
        if made and group.rules == made[-1].rules and group.origins == _next_origins(made[-1]):
            made[-1] = LayerGroup(made[-1].start, group.stop, group.rules, made[-1].origins)
        else:
            made.append(group)
    return tuple(made)


def check_origins(where: str, group: LayerGroup, method: Method, experts: int) -> None:
    """Refuse origins of other inputs than the recipe's, too few of them, or no base where one is needed."""
    for i in range(experts + 1):
        origin = group.origins[i] if i < len(group.origins) else None
        if group.origins and (len(group.origins) != experts + 1 or (origin is not None and origin < 0)):
            raise RecipeError(
                f"{where}: origins: {list(group.origins)} for the base and {experts} experts; give each the"
                " number of a layer, or null"
            )
    if not group.takes_part(0) and not _base_unread(group, method):
        raise RecipeError(
            f"{where}: origins: the base takes no part, but {method.name} needs it; give its first layer"
        )
    check_experts(where, method, tuple(group.takes_part(i + 1) for i in range(experts)))


def _base_unread(group: LayerGroup, method: Method) -> bool:
    """Whether the base's weights are never looked at."""
    if method.base == "config only":
        return True
    optional = "from_base" in method.parameters
    return optional and not any(rule.parameters.get("from_base", False) for rule in group.rules)


def _next_origins(group: LayerGroup) -> tuple[int | None, ...]:
    length = group.stop - group.start
    return tuple(None if origin is None else origin + length for origin in group.origins)
