"""The task-arithmetic family as one kernel: thin out task vectors, agree on signs, sum, add to the base.

A kernel is elementwise and pure: float32 in, float32 out, over a whole tensor or any part of it. What decides
its code is in a frozen `TaskVectors`; everything else is a tensor, so that nothing is compiled again between
candidates. Operations follow mergekit 0.1.5 in order and precision, so results equal its own bit for bit
wherever nothing is random or tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import torch
from torch import Tensor

from merging.methods.masks import draw

WEIGHT, FACTOR, LOW, HIGH, LAMBDA, DIVISOR, FIELDS = range(7)
"""Rows of a kernel's numbers, one column per expert; LAMBDA and DIVISOR are read from the first."""

KEY_LOW, KEY_HIGH, CHANCE, SPREAD, WORDS = range(5)
"""Rows of a kernel's whole numbers: a key's words, the chance to be kept in 2^24ths, its growth per rank."""

RANKS = 255
"""The rank of a row's largest element; of its smallest it is 0, whatever the row's length."""

PACKED = 4
"""Experts whose ranks share an int32, the first one's in the lowest byte."""


LEAST_WEIGHT = 2.0**-70
_TINY = 2.0**-100
"""Changes no sum of weights from `LEAST_WEIGHT` on, and stands in for one that is empty."""

_HUGE = 2.0**127


@dataclass(frozen=True)
class TaskVectors:
    """The steps that a method of the family takes, for this many experts.

    `magnitude` keeps |d| >= LOW; `outliers` LOW <= |d| <= HIGH; `bernoulli` what draws less than CHANCE;
    `magprune` what draws less than CHANCE + SPREAD * rank, the rank of |d| in its row.
    """

    experts: int
    sparsifier: Literal["magnitude", "bernoulli", "outliers", "magprune"] | None = None
    consensus: bool = False
    normalize: bool = False
    rescale: bool = False
    cancels: bool = False
    """Whether some of the weights may sum to 0, so that a divisor must be looked at before dividing."""
    positive: bool = False
    """Whether all weights are at least `LEAST_WEIGHT`: those that agree are then summed a faster way."""

    @property
    def random(self) -> bool:
        """Whether it draws numbers."""
        return self.sparsifier in ("bernoulli", "magprune")

    def __call__(
        self,
        base: Tensor,
        *rest: Tensor,
        numbers: Tensor,
        words: Tensor | None = None,
        first: Tensor | None = None,
    ) -> Tensor:
        """Merge the elements from position `first` on; `rest` are experts, then ranks for magprune.

        All are of one shape [n]: base and experts of any float dtype, ranks int32 for every `PACKED` experts;
        numbers float32 [FIELDS, experts]; words int32 [WORDS, experts] and first int32 [] for those that
        draw. Returns float32 [n].
        """
        base = base.float()
        scaled = []
        for i in range(self.experts):
            delta = rest[i].float() - base
            rank = self._rank(i, rest) if self.sparsifier == "magprune" else None
            if self.sparsifier is not None:
                delta = torch.where(self._kept(i, delta, rank, numbers, words, first), delta, 0.0)
            if self.rescale:
                delta = delta * numbers[FACTOR, i]
            scaled.append(delta * numbers[WEIGHT, i])
        mixed = self._agreeing(scaled, numbers) if self.consensus else add(scaled)
        if self.normalize and not self.consensus:
            mixed = mixed / numbers[DIVISOR, 0]
        return base + mixed * numbers[LAMBDA, 0]

    def _rank(self, i: int, rest: Sequence[Tensor]) -> Tensor:
        """Four experts share a whole number: on a CPU, reading bytes costs more than all the rest."""
        place = 8 * (i % PACKED)
        return (rest[self.experts + i // PACKED] >> place) & RANKS

    def _kept(
        self,
        i: int,
        delta: Tensor,
        rank: Tensor | None,
        numbers: Tensor,
        words: Tensor | None,
        first: Tensor | None,
    ) -> Tensor:
        if self.sparsifier == "magnitude":
            return delta.abs() >= numbers[LOW, i]
        if self.sparsifier == "outliers":
            return (delta.abs() >= numbers[LOW, i]) & (delta.abs() <= numbers[HIGH, i])
        assert words is not None, "nothing to draw with"
        assert first is not None, "nowhere to start drawing"
        # In whole numbers throughout: on a CPU, converting draws to float32 costs more than all the rest.
        chance = words[CHANCE, i]
        if rank is not None:
            chance = chance + rank * words[SPREAD, i]
        position = torch.arange(delta.numel(), dtype=torch.int32, device=delta.device) + first
        return draw(position, words[KEY_LOW, i], words[KEY_HIGH, i]) < chance

    def _agreeing(self, scaled: Sequence[Tensor], numbers: Tensor) -> Tensor:
        """Sum of the elements with their sum's sign (0 elects +), divided by the weights of these."""
        sign = torch.where(add(scaled) >= 0, 1.0, -1.0)
        agreeing = [torch.relu(vector * sign) for vector in scaled]
        total = add(agreeing)
        if not self.normalize:
            return total * sign
        if self.positive:
            # min(weight, huge * v) with what CPUs do in one instruction; exact for task vectors >= 2^-127.
            weights = [numbers[WEIGHT, i] for i in range(self.experts)]
            shares = [w - torch.relu(w - v * _HUGE) for w, v in zip(weights, agreeing, strict=True)]
            return total * sign / (add(shares) + _TINY)
        divisor = add([torch.where(v > 0, numbers[WEIGHT, i], 0.0) for i, v in enumerate(agreeing)])
        # Where none agrees both are 0. Asking the total is twice as fast on a CPU; asking the divisor is
        # needed only where weights that took part can cancel.
        empty = divisor == 0 if self.cancels else total == 0
        return total * sign / torch.where(empty, 1.0, divisor)


def add(terms: Sequence[Tensor]) -> Tensor:
    """The sum of tensors, one after another."""
    return reduce(torch.add, terms)


@dataclass(frozen=True)
class Average:
    """Weighted sum of the experts, divided by DIVISOR if `normalize` (arXiv 2203.05482)."""

    normalize: bool

    def __call__(self, *experts: Tensor, numbers: Tensor) -> Tensor:
        """Experts of one shape, any float dtype; numbers float32 [FIELDS, experts]. Returns float32."""
        total = add([expert.float() * numbers[WEIGHT, i] for i, expert in enumerate(experts)])
        return total / numbers[DIVISOR, 0] if self.normalize else total
