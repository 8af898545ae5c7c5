"""The elementwise passes that candidates are made of, as values: equal kernels share compiled code.

Called with the tensors they read, then small tensors by name; each returns float32. `TaskVectors` and
`Average`, the task-arithmetic family's, are in `operators`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from merging.methods import geometry, selection, spectral


@dataclass(frozen=True)
class Combine:
    """Sum of the inputs, each times its coefficient."""

    def __call__(self, *inputs: Tensor, coefficients: Tensor) -> Tensor:
        return geometry.combine(inputs, coefficients)


@dataclass(frozen=True)
class Shift:
    """The base plus the sum of the task vectors, each times its coefficient."""

    def __call__(self, base: Tensor, *experts: Tensor, coefficients: Tensor) -> Tensor:
        return geometry.shift(base, experts, coefficients)


@dataclass(frozen=True)
class Scale:
    """One input, times a number."""

    def __call__(self, tensor: Tensor, *, scale: Tensor) -> Tensor:
        return selection.passthrough(tensor, scale)


@dataclass(frozen=True)
class Near:
    """NearSwap."""

    def __call__(self, base: Tensor, expert: Tensor, *, t: Tensor) -> Tensor:
        return selection.nearswap(base, expert, t)


@dataclass(frozen=True)
class Sce:
    """SCE; if it cuts, the last input are the variances."""

    variant: selection.Variant
    cuts: bool

    def __call__(self, base: Tensor, *rest: Tensor, weights: Tensor, cut: Tensor) -> Tensor:
        experts, kept = (rest[:-1], rest[-1] >= cut) if self.cuts else (rest, None)
        return selection.sce(base, experts, weights, kept, self.variant)


@dataclass(frozen=True)
class Fusion:
    """Arcee Fusion, over whole rows."""

    def __call__(self, base: Tensor, expert: Tensor, *, divergences: Tensor, threshold: Tensor) -> Tensor:
        return selection.arcee_fusion(base, expert, divergences, threshold)


@dataclass(frozen=True)
class AddParts:
    """The base plus parts, each times its coefficient."""

    def __call__(self, base: Tensor, *parts: Tensor, coefficients: Tensor) -> Tensor:
        return spectral.add_parts(base, parts, coefficients)
