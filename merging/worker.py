"""The merge worker: applies a recipe to mapped models, tensor by tensor, in layer order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from merging.checkpoint import Checkpoint
from merging.errors import CandidateError
from merging.layout import HEAD, layer_index, layer_order, tied_embedding
from merging.masks import mask_key
from merging.methods import find_method
from merging.operators import kept_count, merge_tensor, share
from merging.recipe import ModelRef, Parameters, Recipe


@dataclass(frozen=True)
class MergeWorker:
    """A family of opened models, with the references under which recipes know them; picklable."""

    base: Checkpoint
    experts: Sequence[Checkpoint]
    base_ref: ModelRef
    expert_refs: Sequence[ModelRef]
    device: str = "cpu"

    def tensors(self, recipe: Recipe) -> Iterator[tuple[str, Tensor]]:
        """The candidate's (name, tensor) in layer order, in the recipe's dtype.

        Raises:
            CandidateError: a merged tensor holds NaN or Inf in that dtype.
        """
        self._check_models(recipe)
        method, dtype = find_method(recipe.method), getattr(torch, recipe.dtype)
        for name in layer_order(self.base.tensors):
            keys = [mask_key(recipe.seed, name, expert.fingerprint) for expert in recipe.experts]
            experts = [self._read(expert, name) for expert in self.experts]
            merged = merge_tensor(
                method, self._read(self.base, name), experts, _parameters(recipe, name), keys
            )
            yield name, _finite(merged.to(dtype), name)

    def kept_densities(self, recipe: Recipe) -> dict[str, tuple[float, ...]]:
        """Densities under which exactly what this recipe keeps is kept without its rule for ties.

        One number per expert, for the tensors where magnitudes tie at the cut; {} for methods that
        cut nothing by magnitude. Half an element more than was kept makes rounding down safe.
        """
        self._check_models(recipe)
        if find_method(recipe.method).sparsifier != "magnitude":
            return {}
        exact = {}
        for name in layer_order(self.base.tensors):
            asked, n = _parameters(recipe, name).density, self.base.tensors[name].numel
            base = self._read(self.base, name)
            counts = [
                kept_count(self._read(expert, name) - base, density)
                for expert, density in zip(self.experts, asked, strict=True)
            ]
            if counts != [n if density >= 1 else share(density, n) for density in asked]:
                exact[name] = tuple(1.0 if count == n else (count + 0.5) / n for count in counts)
        return exact

    def _read(self, model: Checkpoint, name: str) -> Tensor:
        """One tensor as float32; a head that is not stored is the embedding it is tied to."""
        if name == HEAD and name not in model.tensors:
            name = tied_embedding(model.tensors) or name
        return model.tensor(name).to(self.device, torch.float32)

    def _check_models(self, recipe: Recipe) -> None:
        mine = [ref.fingerprint for ref in (self.base_ref, *self.expert_refs)]
        theirs = [ref.fingerprint for ref in (recipe.base, *recipe.experts)]
        assert mine == theirs, f"recipe {recipe.digest} is of other models than this worker's"


@dataclass(frozen=True)
class Candidate:
    """The model that a recipe makes, merged anew on each iteration over its (name, tensor)."""

    worker: MergeWorker
    recipe: Recipe

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        return self.worker.tensors(self.recipe)


def _parameters(recipe: Recipe, name: str) -> Parameters:
    return recipe.parameters_for(name, layer_index(name))


def _finite(tensor: Tensor, name: str) -> Tensor:
    finite = torch.isfinite(tensor)
    if not finite.all():
        raise CandidateError(
            f"{name}: {int((~finite).sum())} of {tensor.numel()} merged numbers are NaN or Inf"
        )
    return tensor
