"""Whether compiling pays within one merge: only where what is left of it would take longer eagerly.

A search merges thousands of candidates with a kernel that is compiled once; `crucible merge` makes one. Both
ways give the same bits, so a clock may decide between them.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from merging.worker.compiled import Kernel

COMPILING = 10.0
"""Processor seconds that compiling a kernel takes: 6 to 18 were measured, 12 with the compiler's import."""

SAMPLE = 1 << 22
"""Elements after which a kernel's eager speed is known well enough."""


@dataclass(frozen=True)
class Once:
    """One candidate on its way: how much of it is made, and how fast each kernel ran eagerly.

    Processor time is measured, not the clock on the wall: waiting for a disk does not get faster compiled.
    """

    elements: int
    """Of the whole candidate."""
    threads: int = field(default_factory=torch.get_num_threads)
    clock: Callable[[], float] = time.process_time
    made: Counter[Kernel] = field(default_factory=Counter)
    """Elements so far, by kernel."""
    spent: defaultdict[Kernel, float] = field(default_factory=lambda: defaultdict(float))
    """Processor seconds so far, by kernel."""
    chosen: set[Kernel] = field(default_factory=set)
    """Kernels for which compiling pays."""

    def timed(self, kernel: Kernel, elements: int, run: Callable[[], None]) -> None:
        """Run a pass of so many elements, and remember what it took."""
        began = self.clock()
        run()
        self.spent[kernel] += self.clock() - began
        self.made[kernel] += elements

    def pays(self, kernel: Kernel) -> bool:
        """Whether this kernel is to be compiled, now that so much is left; once it is, it stays so."""
        if kernel not in self.chosen and self._eager_seconds(kernel) > COMPILING:
            self.chosen.add(kernel)
        return kernel in self.chosen

    def _eager_seconds(self, kernel: Kernel) -> float:
        """What the rest would take if this kernel made all of it eagerly; 0 where that is not known yet."""
        seen = self.made[kernel]
        left = self.elements - self.made.total()
        return left * self.spent[kernel] / seen / self.threads if seen >= SAMPLE else 0.0
