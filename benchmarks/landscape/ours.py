"""Our samplers, through the ledger that a study has, from its starting points; with racing or without."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from benchmarks.landscape.objective import Objective, Try
from merging.errors import RecipeError
from merging.recipe import Recipe
from search.proposals.ledger import Ledger, Proposal, open_ledger
from search.proposals.starting_points import starting_points
from search.racing.blocks import cut
from search.racing.estimate import estimate
from search.racing.race import Asked, Rules, stops
from search.running.racing.race import FEWEST
from search.study_file.spec import SamplerSpec

SAVED = 0.5
"""The share of items that a race is expected to save, by which a user plans how many trials to ask for."""


def ours(sampler: str, racing: bool = True, workers: int = 1) -> Callable[[Objective, int], None]:
    """A search by the sampler of that name; of several workers each has a proposal in flight.

    All take as long for theirs: one is told when as many as there are workers have been drawn.
    """

    def search(objective: Objective, seed: int) -> None:
        space = objective.ground.workshop.space
        spec = SamplerSpec.model_validate({"name": sampler, "seed": seed})
        whole = objective.budget // objective.size
        planned = round(whole / (1 - SAVED)) if racing else whole
        race = Track.of(objective, Rules(), seed) if racing else None
        with tempfile.TemporaryDirectory() as folder:
            url, points = f"sqlite:///{folder}/study.db", starting_points(space, planned)
            opened = open_ledger("study", url, spec, space.distributions, points, budget=planned)
            with closing(opened) as ledger:
                flying: deque[Proposal] = deque()
                while True:
                    flying.append(ledger.draw(ledger.create()))
                    if len(flying) == workers:
                        _try(objective, ledger, flying.popleft(), race)

    return search


def _try(objective: Objective, ledger: Ledger, proposal: Proposal, track: Track | None) -> None:
    try:
        recipe = objective.ground.workshop.space.decode(proposal.params)
    except RecipeError:  # as a study's trials: it fails, and no item is asked
        ledger.fail(proposal.number)
        return
    best = objective.found[-1].score if objective.found else None
    stopped = track.run(objective, recipe) if track and best is not None else None
    if stopped is None:
        ledger.tell(proposal.number, objective.whole(recipe))
    else:
        ledger.prune(proposal.number, *stopped)
    items = objective.size if stopped is None else stopped[1]
    objective.tried.append(Try(recipe, items, objective.spent))


@dataclass(frozen=True)
class Track:
    """The blocks in which items are asked, as a study cuts them."""

    rules: Rules
    numbers: tuple[tuple[int, ...], ...]
    """Of each slice, the numbers of its items, in its own order."""
    blocks: tuple[tuple[tuple[int, ...], ...], ...]

    @classmethod
    def of(cls, objective: Objective, rules: Rules, seed: int) -> Track:
        """The track of a study with this seed and the items of an objective."""
        by_slice: dict[str, list[int]] = {}
        for question in objective.ground.questions["search"][: objective.size]:
            by_slice.setdefault(question.slice_.name, []).append(question.number)
        sizes = [len(each) for each in by_slice.values()]
        rules = Rules(rules.error, min(rules.blocks, max(2, max(sizes) // FEWEST)))
        return cls(rules, tuple(map(tuple, by_slice.values())), cut(sizes, rules.blocks, seed))

    def run(self, objective: Objective, recipe: Recipe) -> tuple[float, int] | None:
        """The estimate of a candidate that is stopped, and how many items it saw; None: it saw all."""
        best = objective.ground.right(objective.found[-1].recipe, "search", range(objective.size))
        return self.race(best, lambda numbers: objective.some(recipe, numbers))

    def race(
        self, best: Mapping[int, bool], ask: Callable[[Sequence[int]], Mapping[int, bool]]
    ) -> tuple[float, int] | None:
        """The same of a candidate that answers by `ask`, against answers that are known."""
        right: dict[int, bool] = {}
        for block in self.blocks[:-1]:
            places = zip(self.numbers, block, strict=True)
            right |= ask([numbers[place] for numbers, part in places for place in part])
            asked = [Asked(_values(best, numbers), _values(right, numbers)) for numbers in self.numbers]
            if stops(asked, self.rules, exact=True):
                found = estimate(asked)
                return found.value, found.items
        return None


def _values(
    right: Mapping[int, bool], numbers: Sequence[int]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([float(right[number]) if number in right else np.nan for number in numbers])
