"""Which parameters tell good trials from others: PED-ANOVA, with what chance alone would show.

Watanabe, Bansal & Hutter 2023 (IJCAI, arXiv 2304.10255): a parameter matters for being among the best as far
as its density among the best trials differs from that among all, measured by Pearson's divergence. Of few
trials any two samples differ; so the same is measured for trials that are called the best at random, and only
what is above that counts. Needs numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studies.views.parameters import EVERYWHERE, NOBODY, Drawn, Parameter, parse

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

BEST = 0.1
"""The share of trials that counts as good."""
LEAST_BEST = 5
"""And how many these are at least."""
LEAST_TRIALS = 2 * LEAST_BEST
CELLS = 50
"""Of the grid that numbers are seen on."""
SHUFFLES = 100
SEED = 0


@dataclass(frozen=True)
class Importance:
    """What one parameter has of the importance of all."""

    parameter: Parameter
    share: float
    """Of what is above chance; all together are 1, or 0 where nothing is."""
    divergence: float
    """Pearson's, of its density among the best trials from that among all."""
    chance: float
    """What 95 of 100 random choices of as many trials stay below with all of their parameters."""

    @property
    def stands_out(self) -> bool:
        """Whether it is above what chance alone shows."""
        return self.divergence > self.chance


@dataclass(frozen=True)
class Importances:
    """Those of one goal, the greatest first."""

    each: tuple[Importance, ...]
    trials: int
    """That they rest on."""
    best: int
    """Of these, those that count as good."""

    def by(self, of: Callable[[Parameter], str]) -> dict[str, float]:
        """Shares summed over what `of` says of each parameter, in the order of the search space."""
        found: dict[str, float] = {}
        for each in sorted(self.each, key=lambda one: one.parameter.name):
            found[of(each.parameter)] = found.get(of(each.parameter), 0.0) + each.share
        return dict(sorted(found.items(), key=lambda pair: _place(pair[0])))

    def table(self) -> tuple[list[str], list[str], dict[tuple[str, str], float]]:
        """Layer groups, modules, and the share of each layer group's module."""
        cells: dict[tuple[str, str], float] = {}
        for each in self.each:
            key = each.parameter.part, each.parameter.module
            cells[key] = cells.get(key, 0.0) + each.share
        parts = sorted({part for part, _ in cells}, key=_place)
        modules = sorted({module for _, module in cells}, key=lambda name: (name == EVERYWHERE, name))
        return parts, modules, cells


def importances(drawn: Drawn, goal: int = 0, experts: Sequence[str] = ()) -> Importances | None:
    """How much each parameter tells the best trials from all; None for fewer than `LEAST_TRIALS` trials."""
    import numpy as np

    trials = len(drawn.numbers)
    if trials < LEAST_TRIALS:
        return None
    best = max(LEAST_BEST, round(BEST * trials))
    # Of equals the earlier, so that the same trials give the same numbers.
    order = np.argsort(-drawn.values[:, goal], kind="stable")
    counts = _Counts.of(drawn, best)
    found = counts.divergence(order[None, :best])[0]
    random = np.random.default_rng(SEED)
    by_chance = counts.divergence(np.stack([random.permutation(trials)[:best] for _ in range(SHUFFLES)]))
    usual = by_chance.mean(axis=0)
    # One limit for all: of many parameters some are always far from where they usually are.
    limit = usual * np.quantile((by_chance / usual).max(axis=1), 0.95)
    above = np.where(found > limit, found - usual, 0.0)
    total = above.sum()
    made = [
        Importance(parse(name, experts), float(share / total) if total else 0.0, float(one), float(chance))
        for name, share, one, chance in zip(drawn.names, above, found, limit, strict=True)
    ]
    return Importances(tuple(sorted(made, key=lambda each: -each.share)), trials, best)


@dataclass(frozen=True, eq=False)
class _Counts:
    """The trials on a grid, and how a number of them is smoothed; arrays are [..., parameters, cells]."""

    cells: Any
    """[trials, parameters]: in which cell each number lies; of a category its index."""
    there: Array
    """1 in each cell that a parameter has."""
    kernel: Array
    """[parameters, cells, cells]: Gaussian for numbers, for samples of the size of the best; of a category
    itself. Samples by chance are smoothed as the best are, or they could not be compared."""
    everybody: Array
    """The density among all trials."""

    @classmethod
    def of(cls, drawn: Drawn, best: int) -> _Counts:
        import numpy as np

        kinds, trials = np.array(drawn.choices), len(drawn.numbers)
        size = max(CELLS, int(kinds.max(initial=0)))
        on_grid = np.clip((drawn.table * CELLS).astype(int), 0, CELLS - 1)
        cells = np.where(kinds == 0, on_grid, drawn.table.astype(int))
        numbers = np.where(kinds == 0, CELLS, kinds)
        there = (np.arange(size)[None] < numbers[:, None]).astype(float)
        spread = np.where(kinds == 0, cells.std(axis=0), 0.0)
        kernel = _kernel(spread, best, there, kinds)
        whole = _Counts(cells, there, _kernel(spread, trials, there, kinds), there)
        return cls(cells, there, kernel, whole.density(np.arange(trials)[None]))

    def density(self, picks: Any) -> Array:
        """Of the trials of each pick, beside one observation that is everywhere."""
        import numpy as np

        parameters, size = self.there.shape
        counts = np.zeros((len(picks), parameters, size))
        for i, pick in enumerate(picks):
            flat = self.cells[pick] + np.arange(parameters) * size
            counts[i] = np.bincount(flat.ravel(), minlength=parameters * size).reshape(parameters, size)
        smooth = np.matmul(counts.transpose(1, 0, 2), self.kernel.transpose(0, 2, 1)).transpose(1, 0, 2)
        everywhere = self.there / self.there.sum(axis=1, keepdims=True)
        density: Array = (smooth + everywhere) / (picks.shape[1] + 1)
        return density

    def divergence(self, picks: Any) -> Array:
        """[picks, parameters]: Pearson's, of the density among the picked trials from that among all."""
        import numpy as np

        among_all = np.where(self.there > 0, self.everybody, 1.0)
        apart: Array = ((self.density(picks) - self.everybody) ** 2 / among_all).sum(axis=-1)
        return apart


def _kernel(spread: Any, n: int, there: Array, kinds: Any) -> Array:
    """Of Scott's width for n numbers, at least so wide that nine tenths lie in one cell; columns sum to 1."""
    import numpy as np

    size = there.shape[1]
    width = np.maximum(1.059 * spread * n**-0.2, 0.5 / 1.64)
    apart = np.abs(np.arange(size)[:, None] - np.arange(size)[None])
    kernel = np.exp(-0.5 * (apart[None] / width[:, None, None]) ** 2) * there[:, :, None]
    kernel /= np.maximum(kernel.sum(axis=1, keepdims=True), 1e-300)  # of cells that no parameter has
    found: Array = np.where(kinds[:, None, None] == 0, kernel, np.eye(size)[None])
    return found


def _place(name: str) -> tuple[int, int, str]:
    """Layer groups in the order of the model, what lies in no layer behind them, the rest by name."""
    digits = "".join(c if c.isdecimal() else " " for c in name).split()
    if name.startswith("layer") and digits:
        return 0, int(digits[0]), name
    return (2 if name in (EVERYWHERE, NOBODY, "outer") else 1), 0, name


def shares(found: Importances) -> Mapping[str, Mapping[str, float]]:
    """Summed by layer group, by module, by kind of number and by expert."""
    return {
        "layer group": found.by(lambda each: each.part),
        "module": found.by(lambda each: each.module),
        "kind of number": found.by(lambda each: each.kind),
        "expert": found.by(lambda each: each.expert),
    }
