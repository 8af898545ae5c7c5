"""One study with what its candidates are worth by its goals: what most views begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from evaluators.score import Accuracy, MeanLogprob, wilson
from studies.errors import StudyNotFound
from studies.objectives.goals import Goals, goals_of
from studies.objectives.worth import Told, Worth, worths
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import Filed, Lengths, Scoring, Split, StudySlice
from studies.verdicts.steering import best_of
from studies.views.entries import Entry, entries_of
from studies.views.tallies import Sums, Tallies

_accuracy = lru_cache(maxsize=100_000)(wilson)
"""Slices have few items and candidates are many: the same shares come again and again."""


@dataclass(frozen=True)
class Scored:
    """A study's candidates, its slices, and the sums of its search answers."""

    id: int
    identity: Mapping[str, JSON]
    entries: tuple[Entry, ...]
    slices: tuple[StudySlice, ...]
    sums: Mapping[Filed, Sums]

    @cached_property
    def goals(self) -> Goals:
        """What the study wants."""
        return goals_of(self.identity)

    def parts(self, split: Split) -> list[StudySlice]:
        """The slices of a split, in their order."""
        return [part for part in self.slices if part.split == split]

    @property
    def trials(self) -> list[Entry]:
        """Trials of its own search, in the order in which they began."""
        return [each for each in self.entries if each.found]

    def scores(self, digest: str, split: Split) -> dict[str, Accuracy | MeanLogprob]:
        """By slice, what a candidate scored on the items that it was asked so far."""
        found = [(part, self.sums.get(Filed(digest, part.digest))) for part in self.parts(split)]
        return {part.name: score_of(sums, part.scoring) for part, sums in found if sums is not None}

    def asked(self, digest: str, split: Split) -> int:
        """How many items of a split a candidate has answered."""
        found = (self.sums.get(Filed(digest, part.digest)) for part in self.parts(split))
        return sum(sums.n for sums in found if sums is not None)

    def items(self, split: Split) -> int:
        """How many items a split has."""
        return sum(part.n for part in self.parts(split))

    def worths(self, digest: str) -> tuple[Worth, ...] | None:
        """By goal, what a candidate is worth on the search items; None unless it was asked all of them."""
        told = self._told(digest)
        if told is None or (self._relative and self._best is None):
            return None
        return worths(self.goals, told, self._best or {})

    def _told(self, digest: str) -> dict[str, Told] | None:
        found: dict[str, Told] = {}
        for part in self.parts("search"):
            sums = self.sums.get(Filed(digest, part.digest))
            if sums is None or sums.n < part.n:
                return None
            lengths = Lengths(sums.n, sums.tokens, sums.squares) if part.scoring == "generate" else None
            found[part.name] = Told(score_of(sums, part.scoring), lengths)
        return found or None

    @cached_property
    def _relative(self) -> bool:
        return any(goal.kind == "worst_slice" for goal in self.goals)

    @cached_property
    def _best(self) -> dict[str, Accuracy] | None:
        """By slice the best expert's accuracy; None before all experts have answered everything."""
        models = self.identity.get("models")
        told = [self._told(each.digest) for each in self.entries if each.kind == "expert"]
        known = [each for each in told if each is not None]
        if not known or len(known) != len(told) or not isinstance(models, Mapping):
            return None
        return best_of(known) if len(known) == len(models) - 1 else None


def scored(store: StudyStore, tallies: Tallies, study: int, splits: Sequence[Split] = ("search",)) -> Scored:
    """Read a study: its identity, its candidates, its slices, and what is new of its answers."""
    entries = entries_of(store, study)
    slices = store.slices(study)
    sums = tallies.of(store, entries, [part for part in slices if part.split in splits])
    return Scored(study, store.identity(study), tuple(entries), tuple(slices), sums)


def score_of(sums: Sums, scoring: Scoring) -> Accuracy | MeanLogprob:
    """What answers that add up to this score by the slice's way of scoring."""
    if scoring == "gold":
        return MeanLogprob((sums.logprob or 0.0) / sums.n, sums.n)
    return _accuracy(sums.correct, sums.n)


def pick(entries: Sequence[Entry], name: str, study: str) -> Entry:
    """The candidate of that name, or the trial of that number; raises StudyNotFound."""
    for each in entries:
        if each.name == name or (each.found and name.isdecimal() and each.trial == int(name)):
            return each
    raise StudyNotFound(f"study {study!r} has no candidate {name!r}: see `crucible leaderboard {study}`")
