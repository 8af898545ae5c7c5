"""What racing spared a study: the search items that candidates were not asked, being stopped early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studies.store import StudyStore
from studies.store.rows import Candidate, StudySlice


@dataclass(frozen=True)
class Savings:
    """Over a study's trials that were measured or stopped; of equal recipes one counts."""

    trials: int
    pruned: int
    """Of these, those that were stopped."""
    items: int
    """Search items that all of them would have been asked."""
    items_saved: int
    tokens_saved: int
    """About: as many an item as the same candidate's answers to the same slice had."""

    @property
    def share(self) -> float:
        """Of the items, those that nobody had to answer."""
        return self.items_saved / self.items if self.items else 0.0


def savings(store: StudyStore, study: int) -> Savings | None:
    """What racing spared a study; None for one that is not raced."""
    said = store.identity(study).get("study")
    if not isinstance(said, Mapping) or "racing" not in said:
        return None
    rows = [row for row in store.candidates(study) if row.kind == "trial"]
    parts = [part for part in store.slices(study) if part.split == "search"]
    measured = {row.digest for row in rows if row.state == "complete"}
    pruned = sorted({row.digest for row in rows if row.state == "pruned"} - measured)
    saved = [_saved(store, part, pruned) for part in parts]
    trials = len(measured) + len(pruned)
    return Savings(
        trials=trials,
        pruned=len(pruned),
        items=trials * sum(part.n for part in parts),
        items_saved=sum(items for items, _ in saved),
        tokens_saved=round(sum(tokens for _, tokens in saved)),
    )


def _saved(store: StudyStore, part: StudySlice, digests: list[str]) -> tuple[int, float]:
    """Items and tokens of one slice that these candidates were spared."""
    tallies, costs = store.tallies(digests, part.digest), store.costs(digests, part.digest)
    left = {digest: part.n - tally.n for digest, tally in tallies.items()}
    pace = {digest: cost.tokens / tallies[digest].n for digest, cost in costs.items()}
    return sum(left.values()), sum(left[digest] * each for digest, each in pace.items())


def spared(store: StudyStore, study: int, row: Candidate) -> tuple[int, int]:
    """How many search items there are, and how many of them a candidate was not asked."""
    parts = [part for part in store.slices(study) if part.split == "search"]
    asked = sum(store.tallies([row.digest], part.digest)[row.digest].n for part in parts)
    items = sum(part.n for part in parts)
    return items, items - asked
