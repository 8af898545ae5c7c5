"""The merge worker: applies recipes to mapped models, tensor by tensor, in layer order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from merging.errors import CandidateError
from merging.mergekit.arithmetic import merge_like_mergekit
from merging.methods.masks import mask_key
from merging.methods.registry import Method, find_method
from merging.models.checkpoint import Checkpoint
from merging.recipe import ModelRef, Recipe
from merging.statistics.known import Statistics
from merging.worker.once import Once
from merging.worker.outline import Ingredients, Part, among, merged_shapes, outline
from merging.worker.residency import Residence, Source, plan
from merging.worker.runner import Runner, Step, should_compile
from merging.worker.sparse_steps import kept, kept_count
from merging.worker.steps import step_for

_ORDINARY = 2.0**50
"""Where models and results are smaller, no square or product on the way leaves float32's range."""


@dataclass(frozen=True)
class MergeWorker:
    """A family of opened models, with the references under which recipes know them; picklable.

    What candidates have in common (mapped tensors, statistics, compiled code, copies on a device) is made
    when first needed and kept, so the second candidate costs little more than moving its bytes.
    """

    base: Checkpoint
    experts: Sequence[Checkpoint]
    base_ref: ModelRef
    expert_refs: Sequence[ModelRef]
    device: str = "cpu"
    once: bool = False
    """Whether it is for one candidate: then no more is compiled than pays within a single merge."""
    statistics: Statistics = field(default_factory=Statistics, compare=False, repr=False)

    def shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor of the candidate, in layer order."""
        return merged_shapes(recipe, self._models)

    def buffers(self, recipe: Recipe) -> dict[str, Tensor]:
        """Room for a candidate, on the worker's device, to be used again for each that follows."""
        dtype = getattr(torch, recipe.dtype)
        return {
            name: torch.empty(shape, dtype=dtype, device=self.device)
            for name, shape in self.shapes(recipe).items()
        }

    def merge_into(self, recipe: Recipe, buffers: Mapping[str, Tensor]) -> None:
        """Write the candidate's tensors, cast once to each buffer's dtype; all others' content stays.

        Buffers are contiguous, of the candidate's shapes, on any device.

        Raises:
            CandidateError: a merged tensor holds NaN or Inf in its dtype; buffers are then half-written.
        """
        runner = self._runner_for(recipe)
        for part, tensors, step in self._made(
            recipe, [part for part in self._parts(recipe) if part.name in buffers]
        ):
            _write(runner, recipe, part, tensors, step, buffers[part.name])

    def tensors(self, recipe: Recipe) -> Iterator[tuple[str, Tensor]]:
        """The candidate's (name, tensor) in layer order, in the recipe's dtype.

        Raises:
            CandidateError: a merged tensor holds NaN or Inf in that dtype.
        """
        dtype, runner = getattr(torch, recipe.dtype), self._runner_for(recipe)
        for part, tensors, step in self._made(recipe, self._parts(recipe)):
            out = torch.empty(part.tensors.base.shape, dtype=dtype, device=self.device)
            _write(runner, recipe, part, tensors, step, out)
            yield part.name, out

    def kept_densities(self, recipe: Recipe) -> dict[str, tuple[float, ...]]:
        """Densities under which exactly what this recipe keeps is kept without its rule for ties.

        One number per expert, for the tensors where magnitudes tie at the cut; {} for methods that cut
        nothing by magnitude alone, and under `compat`. Half an element more than was kept makes rounding down
        safe.
        """
        if find_method(recipe.method).sparsifier != "magnitude" or recipe.compat:
            return {}
        exact = {}
        for part in self._parts(recipe):
            asked, n = recipe.parameters_for(part.name, part.layer).density, part.tensors.numel
            densities = list(asked)
            for place, i in enumerate(part.present):
                if asked[i] < 1:
                    count = kept(self.statistics.magnitudes(part.tensors, place), asked[i])
                    if count != kept_count(asked[i], n):
                        densities[i] = 1.0 if count == n else (count + 0.5) / n
            if densities != list(asked):
                exact[part.name] = tuple(densities)
        return exact

    def _made(
        self, recipe: Recipe, parts: Sequence[Part]
    ) -> Iterator[tuple[Part, list[Tensor], Step | None]]:
        """Each part with what its step reads, where the merge runs; under `compat`, mergekit's inputs."""
        steps: dict[str, Step | None] = {}
        by_name = {part.name: part for part in parts}
        method = find_method(recipe.method)

        def read(name: str) -> list[Source]:
            part = by_name[name]
            steps[name] = None if recipe.compat else self._step(recipe, method, part)
            return _sources(part, steps[name])

        for name, tensors in self._residence.stream(by_name, read):
            yield by_name[name], tensors, steps.pop(name)

    def _step(self, recipe: Recipe, method: Method, part: Part) -> Step:
        present, refs = part.present, recipe.experts
        item = Ingredients(
            part.name,
            part.tensors,
            among(recipe.parameters_for(part.name, part.layer), present),
            tuple(mask_key(recipe.seed, part.name, refs[i].fingerprint) for i in present)
            if method.random
            else (0,) * len(present),
            part.peaks,
        )
        return step_for(method, item, self.statistics)

    def _parts(self, recipe: Recipe) -> tuple[Part, ...]:
        """What the candidate is made of, which recipes of one stacking have in common."""
        mine = [ref.fingerprint for ref in (self.base_ref, *self.expert_refs)]
        theirs = [ref.fingerprint for ref in (recipe.base, *recipe.experts)]
        assert mine == theirs, f"recipe {recipe.digest} is of other models than this worker's"
        layout = tuple((group.start, group.stop, group.origins) for group in recipe.layers)
        key = layout if recipe.stacked else (recipe.depth,)
        if key not in self._outlines:
            models = zip(self._models, mine, strict=True)
            peaks = [
                self.statistics.peaks(model, fingerprint, _numel(model)) for model, fingerprint in models
            ]
            self._outlines[key] = outline(recipe, self._models, mine, peaks)
        return self._outlines[key]

    @property
    def _models(self) -> tuple[Checkpoint, ...]:
        return (self.base, *self.experts)

    @cached_property
    def _outlines(self) -> dict[Any, tuple[Part, ...]]:
        return {}

    def _runner_for(self, recipe: Recipe) -> Runner:
        if not self.once:
            return self._runner
        elements = sum(math.prod(shape) for shape in self.shapes(recipe).values())
        return replace(self._runner, once=Once(elements))

    @cached_property
    def _runner(self) -> Runner:
        return Runner(self.device, should_compile(_numel(self.base), self.device))

    @cached_property
    def _residence(self) -> Residence:
        planned = plan(self.base, self.experts, "float32", self.device)
        return Residence(planned.mode, planned.device, planned.staging, planned.room)

    def __getstate__(self) -> dict[str, Any]:
        """What was made on first need does not travel between processes."""
        kept = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return {**kept, "statistics": Statistics(self.statistics.cache)}


@dataclass(frozen=True)
class Candidate:
    """The model that a recipe makes, merged anew on each iteration over its (name, tensor)."""

    worker: MergeWorker
    recipe: Recipe

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        return self.worker.tensors(self.recipe)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by name, in layer order."""
        return self.worker.shapes(self.recipe)


def _write(
    runner: Runner, recipe: Recipe, part: Part, tensors: list[Tensor], step: Step | None, out: Tensor
) -> None:
    if step is None:
        out.copy_(_as_mergekit(recipe, part, tensors))
    else:
        runner.run(step, tensors, out)
    limit = min(torch.finfo(out.dtype).max, _ORDINARY)
    if step is None or not (step.bound < limit and all(peak < limit for peak in part.peaks)):
        _check_finite(out, part.name)


def _sources(part: Part, step: Step | None) -> list[Source]:
    """Inputs with the names of their content, by which copies are kept on a device."""
    tensors = part.tensors
    if step is None:
        return list(
            zip((tensors.base_id, *tensors.expert_ids), (tensors.base, *tensors.experts), strict=True)
        )
    contents = {id(tensors.base): tensors.base_id}
    contents |= {id(expert): name for expert, name in zip(tensors.experts, tensors.expert_ids, strict=True)}
    return [(contents.get(id(tensor)) or _statistic_id(step, tensor), tensor) for tensor in step.inputs]


def _statistic_id(step: Step, tensor: Tensor) -> int | None:
    """Statistics stay where they are as long as the worker; what was made for one candidate has no name."""
    return None if step.fresh else tensor.data_ptr()


def _as_mergekit(recipe: Recipe, part: Part, tensors: list[Tensor]) -> Tensor:
    if not part.present:
        return tensors[0]
    dtype = getattr(torch, recipe.arithmetic_dtype or "float32")
    base, *experts = (tensor.to(dtype) for tensor in tensors)
    parameters = among(recipe.parameters_for(part.name, part.layer), part.present)
    keys = [mask_key(recipe.seed, part.name, recipe.experts[i].fingerprint) for i in part.present]
    method = find_method(recipe.method)
    return merge_like_mergekit(method, base if part.has_base else None, experts, parameters, keys)


def _check_finite(tensor: Tensor, name: str) -> None:
    finite = torch.isfinite(tensor)
    if not finite.all():
        raise CandidateError(
            f"{name}: {int((~finite).sum())} of {tensor.numel()} merged numbers are NaN or Inf in"
            f" {str(tensor.dtype).removeprefix('torch.')}; lower the weights, or write a wider dtype"
        )


def _numel(model: Checkpoint) -> int:
    return sum(info.numel for info in model.tensors.values())
