"""Which models of a mergekit config are its base and its experts, by what the method makes of a base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from merging.errors import RecipeError
from merging.mergekit.frame import Slice
from merging.methods.registry import Method
from merging.shown import shown


@dataclass(frozen=True)
class Inputs:
    """The base and the experts by the names of the file."""

    base: str
    experts: tuple[str, ...]
    base_read: bool
    """Whether the base's weights enter the merge as a base's."""
    from_base: bool = False
    """Of the methods that do with and without a base: whether they merge task vectors."""

    def origins(self, piece: Slice, start: int) -> tuple[int | None, ...]:
        """First layer of base and experts for a slice that becomes the layers from `start`; () if alike."""
        found = [piece.source_of(self.base) if self.base_read else None, *map(piece.source_of, self.experts)]
        starts = tuple(None if source is None else source.start for source in found)
        read = starts if self.base_read else starts[1:]
        return () if set(read) == {start} else starts


def inputs_of(method: Method, base: str | None, donor: str, slices: Sequence[Slice]) -> Inputs:
    """Base and experts; `donor` gives config and tokenizer where no base is named.

    As in mergekit: who adds to a base or mixes with one needs it in every slice. Who merges all inputs alike
    (linear, karcher, passthrough) counts a base that is listed, or added to listed models, as one of them.
    nuslerp and multislerp merge task vectors where a base is named, else weights.
    """
    models = list(dict.fromkeys(source.model for piece in slices for source in piece.sources))
    if method.base == "config only":
        return Inputs(base or donor, tuple(models), base_read=False)
    if "from_base" in method.parameters and base is None:
        return Inputs(donor, tuple(models), base_read=False)
    if base is None:
        verb = "adds to a base" if method.base == "adds to" else "starts from a base"
        raise RecipeError(f"base_model: missing; {method.name} {verb}")
    for i, piece in enumerate(slices):
        if piece.source_of(base) is None:
            raise RecipeError(
                f"slices[{i}].sources: base_model {shown(base)} is not among them; add it with its"
                " layer_range"
            )
    experts = tuple(model for model in models if model != base)
    if not experts:
        raise RecipeError("models: only the base is named; add an expert")
    return Inputs(base, experts, base_read=True, from_base="from_base" in method.parameters)
