"""In which order examples are learnt, and how fast: functions of the seed and the step alone.

So a training that is taken up anywhere goes on as it would have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from merging.fusion.training.settings import Settings


@dataclass(frozen=True, eq=False)
class Order:
    """`usable` int64 are the numbers of the examples that teach anything.

    `lengths` and `counts` int64 are all examples' tokens after cutting, and those of them that teach.
    """

    settings: Settings
    usable: NDArray[np.int64]
    lengths: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.settings.epochs * self._per_epoch

    @property
    def longest(self) -> int:
        """Tokens of the longest example."""
        return int(self.lengths[self.usable].max())

    def batch(self, step: int) -> NDArray[np.int64]:
        """The numbers of the examples of step `step`, from 0; every epoch has an order of its own."""
        epoch, place = divmod(step, self._per_epoch)
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(self.usable)
        return order[place * self.settings.batch : (place + 1) * self.settings.batch]

    def tokens(self, step: int) -> int:
        """The tokens that a step learns from."""
        return int(self.counts[self.batch(step)].sum())

    def micro_batches(
        self, step: int, size: int, process: int = 0, processes: int = 1
    ) -> list[tuple[list[int], int]]:
        """One process's share of a step: groups of like length, and how many at the end of each are mute.

        All processes have as many groups of the same sizes, because gradients are exchanged in step.
        """
        batch = self.batch(step)
        batch = batch[np.argsort(-self.lengths[batch], kind="stable")]
        missing = -len(batch) % processes
        mine = np.concatenate([batch, batch[:1].repeat(missing)])[process::processes]
        muted = int(process >= processes - missing)
        groups = [mine[i : i + size].tolist() for i in range(0, len(mine), size)]
        return [(group, muted if group is groups[-1] else 0) for group in groups]

    def rate(self, step: int) -> float:
        """The learning rate of a step: linear warm-up to the peak, then half a cosine towards 0."""
        settings = self.settings
        warmup = math.ceil(settings.warmup * self.steps)
        if step < warmup:
            return settings.rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.steps - warmup)
        return settings.rate * (1 + math.cos(math.pi * done)) / 2

    @property
    def _per_epoch(self) -> int:
        return math.ceil(len(self.usable) / self.settings.batch)
