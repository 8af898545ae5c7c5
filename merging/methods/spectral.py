"""Merges by singular values: TSV-Merge makes strongest directions orthogonal, Iso-C evens them out.

TSV-Merge's costly part depends on which experts take part, not on their weights: a weight scales singular
values, and its sign moves through the polar factor. So every expert has one *whitened* task vector per set of
experts, made once and kept, and a candidate is the base plus their weighted sum, elementwise. Iso-C has no
such split: its singular vectors are those of the weighted sum itself.

Decompositions are float64, rounded once at the end. What LAPACK leaves open (signs, bases of equal singular
values, directions where there is nothing) cancels out or is left out, so results do not depend on it, but
where a tie falls on the cut of TSV's rank. On a CPU they run in one thread: the same bits in any process on
one kind of processor; parallelism is over tensors. Elsewhere bits may differ by roundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from merging.errors import CandidateError
from merging.methods.sums import one_thread


@dataclass(frozen=True)
class Factors:
    """Leading singular triplets of a matrix [rows, columns]: u [rows, r], s [r], vh [r, columns]; float64."""

    u: Tensor
    s: Tensor
    vh: Tensor
    full: int
    """min(rows, columns), of which r were kept."""


def decompose(delta: Tensor) -> Factors:
    """The triplets of one task vector, [rows, columns] of any float dtype, that TSV-Merge could need.

    Those are the first half, as each of T >= 2 experts gets min(rows, columns) // T, at least one. Triplets
    whose singular value float64 cannot tell from 0 are left out, as their directions mean nothing.
    """
    with one_thread(delta):
        u, s, vh = _svd(delta.double())
    rank = min(_rank(s, delta), max(1, len(s) // 2))
    return Factors(u[:, :rank].clone(), s[:rank].clone(), vh[:rank].clone(), len(s))


def whiten(factors: Sequence[Factors]) -> list[Tensor]:
    """Each expert's part of TSV-Merge among T >= 2 that take part: float32 [rows, columns] each.

    The leading min(rows, columns) // T (at least one) left vectors of all are set side by side and replaced
    by their polar factor, the nearest orthogonal ones; so are the right ones; each expert's part is what its
    own singular values make of its columns. Gargiulo et al. 2024, arXiv 2412.00081, TSV-Merge. Weights stay
    outside: the part of w times a task vector is w times its part.
    """
    share = max(1, factors[0].full // len(factors))
    sizes = [min(share, len(factor.s)) for factor in factors]
    with one_thread(factors[0].u):
        left = _polar(torch.cat([factor.u[:, :r] for factor, r in zip(factors, sizes, strict=True)], dim=1))
        right = _polar(torch.cat([factor.vh[:r] for factor, r in zip(factors, sizes, strict=True)]))
        parts = zip(factors, torch.split(left, sizes, dim=1), torch.split(right, sizes), strict=True)
        return [((u * factor.s[: len(vh)]) @ vh).float() for factor, u, vh in parts]


def tsv(deltas: Sequence[Tensor]) -> list[Tensor]:
    """Each expert's part of TSV-Merge, float32: the merge is base + lambda * sum of weight * part.

    deltas are the task vectors of the experts whose weight is not 0, of one shape and any float dtype. Alone,
    an expert's part is its task vector, whole. Tensors that are not matrices are averaged, over the experts
    that take part, as in the authors' code (which also averages one named `text_projection`, unknown to
    language models).
    """
    if len(deltas) == 1 or deltas[0].dim() != 2:
        return [delta.float() / len(deltas) for delta in deltas]
    return whiten([decompose(delta) for delta in deltas])


def iso_c(deltas: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted sum of task vectors with every singular value made their mean, float32.

    Experts of weight 0 take no part. Directions of singular value 0, which a decomposition chooses at will,
    stay 0, though they count in the mean. Tensors that are not matrices are averaged over the experts that
    take part, as in the authors' code. The merge is base + lambda * this. Marczak et al. 2025, arXiv
    2502.04959.
    """
    active = [(delta.double(), weight) for delta, weight in zip(deltas, weights, strict=True) if weight != 0]
    if not active:
        return torch.zeros_like(deltas[0], dtype=torch.float32)
    total = active[0][0] * active[0][1]
    for delta, weight in active[1:]:
        total = total + delta * weight
    if total.dim() != 2:
        return (total / len(active)).float()
    with one_thread(total):
        u, s, vh = _svd(total)
        rank = _rank(s, total)
        return (s.sum() / len(s) * (u[:, :rank] @ vh[:rank])).float()


def add_parts(base: Tensor, parts: Sequence[Tensor], coefficients: Tensor) -> Tensor:
    """The base plus the sum of the parts times their coefficients: the kernel of this page.

    Tensors of one shape and any float dtype; coefficients float32 [m], lambda * weight for `tsv`'s parts,
    lambda for `iso_c`'s one. Returns float32.
    """
    total = parts[0].float() * coefficients[0]
    for i, part in enumerate(parts[1:], start=1):
        total = total + part.float() * coefficients[i]
    return base.float() + total


def _polar(matrix: Tensor) -> Tensor:
    """The nearest matrix with orthonormal columns (or rows) within the span of the given one."""
    u, s, vh = _svd(matrix)
    rank = _rank(s, matrix)
    return u[:, :rank] @ vh[:rank]


def _svd(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if not matrix.isfinite().all():
        raise CandidateError(
            "a task vector is too large for float32 and cannot be decomposed; see the models"
        )
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u, s, vh


def _rank(s: Tensor, matrix: Tensor) -> int:
    """Number of singular values that float64 can tell from 0."""
    floor = s.max() * max(matrix.shape) * torch.finfo(torch.float64).eps if len(s) else s.sum()
    return int((s > floor).sum())
