"""How alike the weights of models of one shape are, from a sample of their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from merging.errors import CheckpointError
from merging.models.checkpoint import Checkpoint
from merging.zoo.sampling import matrices, sample

Progress = Callable[[int, int, int], None]
"""Told of matrices done, matrices in all, and bytes read by then."""


@dataclass(frozen=True)
class Likeness:
    """Figures of models by their place; what is summed are the sampled numbers of all matrices."""

    products: tuple[tuple[float, ...], ...]
    """Inner products of the models' weights."""
    equal: tuple[tuple[float, ...], ...]
    """Share of numbers that are the same in two models."""
    contested: tuple[float, ...]
    """For each model: the share of numbers in which two others agree against it, over all pairs of others.

    What the models were made from loses such votes by chance only: others that agree have kept its number.
    """
    numbers: int
    """How many numbers of each model were looked at."""
    bytes_read: int

    def norm(self, model: int) -> float:
        """Length of the sampled weights."""
        return math.sqrt(self.products[model][model])

    def cosine(self, a: int, b: int) -> float:
        """Cosine of the weights of two models."""
        return self.products[a][b] / max(self.norm(a) * self.norm(b), 1e-300)

    def distance(self, a: int, b: int) -> float:
        """Length of what two models differ by, over that of the models (their geometric mean)."""
        return math.sqrt(self._squared(a, b) / max(self.norm(a) * self.norm(b), 1e-300))

    def task_cosine(self, base: int, a: int, b: int) -> float | None:
        """Cosine of the task vectors of two models from a base; None where one of them is none."""
        lengths = self._squared(base, a) * self._squared(base, b)
        p = self.products
        product = p[a][b] - p[a][base] - p[base][b] + p[base][base]
        return product / math.sqrt(lengths) if lengths > 0 else None

    def spread(self, base: int, models: Sequence[int]) -> float:
        """Sum of the squared lengths of all task vectors from a base."""
        return sum(self._squared(base, model) for model in models)

    def _squared(self, a: int, b: int) -> float:
        if self.equal[a][b] == 1:  # rounding of sums must not tell apart what is the same
            return 0.0
        return max(self.products[a][a] + self.products[b][b] - 2 * self.products[a][b], 0.0)


def compare(models: Sequence[Checkpoint], progress: Progress | None = None) -> Likeness:
    """Read the same numbers of every model, one matrix after the other, and compare all with all.

    Raises:
        CheckpointError: a model holds no matrix, or NaN or Inf among what is read.
    """
    shapes = matrices(models[0])
    if not shapes:
        raise CheckpointError(
            f"{models[0].path}: holds no matrix but those of its vocabulary, so nothing tells what it was"
            " made from; leave it out"
        )
    sums = _Sums.of(len(models))
    for done, (name, shape) in enumerate(shapes.items(), 1):
        sums.add(torch.stack(list(sample(models, name, shape))))
        sums.bytes_read += sum(_width(model, name) for model in models) * sums.latest
        if progress is not None:
            progress(done, len(shapes), sums.bytes_read)
    return sums.likeness()


@dataclass
class _Sums:
    """What is summed over the matrices; all are counts or products by places of models."""

    products: torch.Tensor
    equal: torch.Tensor
    contested: torch.Tensor
    numbers: int = 0
    latest: int = 0
    bytes_read: int = 0

    @classmethod
    def of(cls, count: int) -> _Sums:
        square = torch.zeros(count, count, dtype=torch.float64)
        return cls(square, square.clone(), torch.zeros(count, dtype=torch.float64))

    def add(self, weights: torch.Tensor) -> None:
        """Take in one matrix: weights [models, n]."""
        same = [weights == own for own in weights]  # each [models, n]
        self.products += weights @ weights.T
        self.equal += torch.stack([each.sum(1) for each in same])
        self.contested += _contested(torch.stack([each.sum(0) for each in same]).double())
        self.latest = weights.shape[1]
        self.numbers += self.latest

    def likeness(self) -> Likeness:
        count = len(self.products)
        pairs = max(math.comb(count - 1, 2), 1)
        return Likeness(
            _plain((self.products + self.products.T) / 2),
            _plain(self.equal / self.numbers),
            tuple((self.contested / (self.numbers * pairs)).tolist()),
            self.numbers,
            self.bytes_read,
        )


def _contested(camps: torch.Tensor) -> torch.Tensor:
    """For each model, how many pairs of others agree against it, summed over numbers: [models].

    `camps` [models, n] counts the models that have a number as this one has it, itself among them.
    """
    pairs = (camps - 1).sum(0) / 2  # each model's partners, every pair counted from both ends
    return (pairs - camps * (camps - 1) / 2).sum(1)


def _plain(matrix: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def _width(model: Checkpoint, name: str) -> int:
    info = model.tensors[name]
    return info.nbytes // info.numel
