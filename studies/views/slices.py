"""Slice against slice: what is gained in one and lost in another, and whom nobody beats in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.score import Accuracy, MeanLogprob
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.rows import CandidateKind, Filed, Scoring, Split, StudySlice
from studies.views.entries import Entry
from studies.views.scored import Scored, score_of, scored
from studies.views.tallies import Tallies


@dataclass(frozen=True)
class Spot:
    """A candidate that was asked every item of both slices."""

    name: str
    kind: CandidateKind
    trial: int | None
    digest: str
    x: Accuracy | MeanLogprob
    y: Accuracy | MeanLogprob
    leading: bool
    """Whether nobody is better in one of the two and as good in the other."""


@dataclass(frozen=True)
class SlicePair:
    """Two slices of one split, and everybody who answered both."""

    x: str
    y: str
    split: Split
    scoring: tuple[Scoring, Scoring]
    spots: tuple[Spot, ...]
    names: tuple[str, ...]
    """All slices of the study, to choose from."""

    @property
    def front(self) -> tuple[Spot, ...]:
        """Those that nobody beats, from left to right."""
        return tuple(
            sorted((spot for spot in self.spots if spot.leading), key=lambda s: (s.x.mean, -s.y.mean))
        )


def slice_pair(
    store: StudyStore,
    tallies: Tallies,
    study: int,
    x: str | None = None,
    y: str | None = None,
    split: Split = "search",
) -> SlicePair | None:
    """Two slices by name, by default the first two; None for a study with fewer than two slices.

    Raises StudyNotFound for a slice that is not there.
    """
    found = scored(store, tallies, study, (split,))
    parts = {part.name: part for part in found.parts(split)}
    if len(parts) < 2:
        return None
    first = _part(parts, x, next(iter(parts)))
    second = _part(parts, y, next(name for name in parts if name != first.name))
    spots = _leading([spot for each in found.entries if (spot := _spot(found, each, first, second))])
    scoring = (first.scoring, second.scoring)
    return SlicePair(first.name, second.name, split, scoring, tuple(spots), tuple(parts))


def _part(parts: Mapping[str, StudySlice], name: str | None, default: str) -> StudySlice:
    if name is not None and name not in parts:
        raise StudyNotFound(f"no slice {name!r}: this study has {', '.join(parts)}")
    return parts[name or default]


def _spot(found: Scored, entry: Entry, first: StudySlice, second: StudySlice) -> Spot | None:
    """Where a candidate stands that was asked everything; models of other studies, too, in a fusion."""
    x, y = (found.sums.get(Filed(entry.digest, part.digest)) for part in (first, second))
    if x is None or y is None or x.n < first.n or y.n < second.n or entry.state != "complete":
        return None
    scores = score_of(x, first.scoring), score_of(y, second.scoring)
    return Spot(entry.name, entry.kind, entry.trial, entry.digest, *scores, leading=False)


def _leading(spots: Sequence[Spot]) -> list[Spot]:
    """Mark those that nobody beats; equals stand side by side. Takes time n log n."""
    best, leaders = float("-inf"), set[tuple[float, float]]()
    for each in sorted(spots, key=lambda spot: (-spot.x.mean, -spot.y.mean)):
        if each.y.mean > best:
            best = each.y.mean
            leaders.add((each.x.mean, each.y.mean))
    return [replace(each, leading=(each.x.mean, each.y.mean) in leaders) for each in spots]
