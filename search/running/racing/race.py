"""One candidate's way through the blocks of items, against the best one so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.benchmarks.slices import Slice
from evaluators.engines.engine import WeightSource
from search.racing.blocks import Block, cut
from search.racing.cells import Array
from search.racing.estimate import estimate
from search.racing.race import Asked, Finish, Rules, stops
from search.running.measure import Bench
from search.running.racing.leader import leader_of, values
from search.running.workshop import Workshop

FEWEST = 16
"""Items of the largest slice in a block at least, where that leaves two: engines answer so many at once."""
SMALL = 64
"""Search items of a study in all: with fewer nothing is proven early."""


@dataclass(frozen=True)
class Race:
    """A candidate's way through the blocks, and who must be beaten."""

    rules: Rules
    exact: bool
    slices: tuple[Slice, ...]
    blocks: tuple[Block, ...]
    name: str
    """The incumbent's."""
    best: tuple[Array, ...]
    """What it answered, per slice in the order of the items."""

    @property
    def items(self) -> int:
        """Of all slices together."""
        return sum(len(part.items) for part in self.slices)

    def parts(self, number: int) -> tuple[Slice, ...]:
        """Each slice with the items of one block alone; a slice without any is left out."""
        pairs = zip(self.slices, self.blocks[number], strict=True)
        return tuple(
            replace(part, items=tuple(part.items[place] for place in places))
            for part, places in pairs
            if places
        )

    def asked(self, bench: Bench, digest: str, number: int) -> list[Asked]:
        """Answers of the blocks up to one; what is known of later blocks decides nothing yet."""
        found = []
        for at, (part, best) in enumerate(zip(self.slices, self.best, strict=True)):
            places = [place for block in self.blocks[: number + 1] for place in block[at]]
            answers = np.full(len(part.items), np.nan)
            answers[places] = values(bench, digest, part)[places]
            assert not np.isnan(answers[places]).any(), f"{digest[:12]} was not asked all of block {number}"
            found.append(Asked(best, answers))
        return found

    def stops(self, asked: Sequence[Asked]) -> bool:
        """Whether a candidate with these answers is asked no more."""
        return stops(asked, self.rules, exact=self.exact)

    def reason(self, finish: Finish) -> str:
        """Why a candidate was stopped, in one line."""
        assert finish.block is not None, "one that was asked everything was not stopped"
        said, blocks = finish.estimate, f"{finish.block + 1} of {len(self.blocks)} blocks"
        score = f"{100 * said.value:.1f}" if self.exact else f"{said.value:.4f}"
        return (
            f"stopped after {said.items} of {self.items} items ({blocks}), at about {score}:"
            f" very unlikely to beat {self.name}"
        )


def run_race(bench: Bench, digest: str, source: WeightSource, race: Race) -> Finish:
    """Ask a model block by block, until that is enough; one of which all is known is not raced.

    After each block the engine waits until its last answers are graded: otherwise what is decided would
    depend on who is quicker, or every stopped candidate would cost a block more. Raises as `Bench.ask`.
    """
    ends: list[Finish] = []
    bench.ask(digest, source, race.slices, _rounds(bench, digest, race, ends.append))
    return ends[0] if ends else Finish(None, estimate(race.asked(bench, digest, len(race.blocks) - 1)))


def _rounds(
    bench: Bench, digest: str, race: Race, end: Callable[[Finish], None]
) -> Iterator[tuple[Slice, ...]]:
    for number in range(len(race.blocks)):
        yield race.parts(number)
        if number < len(race.blocks) - 1 and race.stops(asked := race.asked(bench, digest, number)):
            end(Finish(number, estimate(asked)))
            return


def open_race(workshop: Workshop, bench: Bench, study: int, digest: str) -> Race | None:
    """The race of one candidate against the best that is complete; None where nobody is stopped."""
    spec, slices = workshop.spec.racing, workshop.search_slices
    if spec is None or not spec.on or sum(len(part.items) for part in slices) < SMALL:
        return None
    leader = leader_of(bench, slices, study, digest)
    if leader is None:
        return None
    name, best = leader
    sizes = [len(part.items) for part in slices]
    rules = Rules(spec.error, min(spec.blocks, max(2, max(sizes) // FEWEST)))
    return Race(
        rules=rules,
        exact=workshop.spec.objective == "accuracy",
        slices=slices,
        blocks=cut(sizes, rules.blocks, workshop.spec.sampler.seed),
        name=name,
        best=tuple(values(bench, best, part) for part in slices),
    )
