"""What a search sees of a landscape: scores, each item counted once a recipe; and what it has found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.landscape.ground import Ground
from merging.recipe import Recipe


class Spent(Exception):  # noqa: N818
    """The items of the budget are used up: the search is over."""


class Interrupted(Exception):  # noqa: N818
    """Time is up before the budget is; what was computed is remembered, the run is not."""


@dataclass(frozen=True)
class Improvement:
    """A recipe that scored higher on all search items than any before."""

    items: int
    """Scored when it was found, its own included."""
    recipe: Recipe
    score: float


@dataclass(frozen=True)
class Try:
    """One trial of a search."""

    recipe: Recipe
    items: int
    """That it was asked, fewer than there are if a race stopped it."""
    spent: int
    """By the search, when it ended."""


@dataclass
class Objective:
    """One search on a ground: a budget of items, and the incumbents.

    Nobody pays twice for the same item of the same recipe, as a store would remember it; so no tool is worse
    off than it is on its own.
    """

    ground: Ground
    budget: int
    """Items."""
    until: float = float("inf")
    """By `time.monotonic`."""
    each: int | None = None
    """Of a slice so many search items are asked, the first ones; None: all that there are."""
    spent: int = 0
    found: list[Improvement] = field(default_factory=list)
    tried: list[Try] = field(default_factory=list)
    """Of our searches, every trial that ended."""
    _paid: dict[str, set[int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many search items there are to be asked: those of the lowest numbers."""
        return self.ground.count(self.each)

    def whole(self, recipe: Recipe) -> float:
        """The score on all search items, the mean over slices; it may be the new incumbent."""
        score = self.ground.mean("search", self.some(recipe, range(self.size)))
        if not self.found or score > self.found[-1].score:
            self.found.append(Improvement(self.spent, recipe, score))
        return score

    def some(self, recipe: Recipe, numbers: Sequence[int]) -> dict[int, bool]:
        """Which of these items are answered rightly.

        Raises Spent before anything is asked that the budget does not hold.
        """
        self.check()
        paid = self._paid.setdefault(recipe.digest, set())
        new = {*numbers} - paid
        if self.spent + len(new) > self.budget:
            raise Spent
        right = self.ground.right(recipe, "search", numbers)
        paid |= new
        self.spent += len(new)
        return right

    def holdout(self) -> list[tuple[int, float]]:
        """After how many items which holdout score stood, one for each improvement."""
        rows = []
        for each in self.found:
            self.check()
            rows.append((each.items, self.ground.score(each.recipe, "holdout")))
        return rows

    def check(self) -> None:
        """Raises Interrupted when time is up."""
        if time.monotonic() > self.until:
            raise Interrupted
