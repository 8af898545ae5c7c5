"""How the races of a search ended, and how they would have, had everybody been asked everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.landscape.findings.rows import UNRACED, RaceRow
from benchmarks.landscape.objective import Objective
from benchmarks.landscape.ours import Track
from search.racing.race import Rules


def races_of(objective: Objective, landscape: str, entry: str, seed: int) -> Iterator[RaceRow]:
    """A row for each trial that had an incumbent to race against, in the search's order.

    What races left out is scored here. The trials of an entry without racing are raced afterwards, in the
    same order: all that a race would not have asked is known. Raises Interrupted when time is up.
    """
    ground, size = objective.ground, objective.size
    afterwards = Track.of(objective, Rules(), seed) if UNRACED in entry else None
    best: tuple[float, Mapping[int, bool]] | None = None
    seen: set[str] = set()
    for number, each in enumerate(objective.tried):
        objective.check()
        right = ground.right(each.recipe, "search", range(size))
        items, again = each.items, each.recipe.digest in seen
        score = ground.mean("search", right)
        seen.add(each.recipe.digest)
        if best is not None:
            if afterwards is not None:
                ended = afterwards.race(best[1], _answers(right))
                items = size if ended is None else ended[1]
            names = landscape, entry, seed
            yield RaceRow(*names, items, items < size, score, best[0], number, each.spent, again)
        if items == size and (best is None or score > best[0]):
            best = score, right


def _answers(right: Mapping[int, bool]) -> Callable[[Sequence[int]], dict[int, bool]]:
    return lambda numbers: {number: right[number] for number in numbers}
