"""Studies whose truth is known: candidates with a chance per item, searched, chosen, and judged for real.

All answers are drawn, so hundreds of verdicts take seconds; who is asked what, and what is said of it, is
decided by the functions that a study uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, cast

import numpy as np

from studies.store import StudyStore
from studies.store.rows import Candidate, CandidateKind, Split, StudySlice, StudySummary, Tally
from studies.verdicts.elimination import remaining
from studies.verdicts.leaderboard import Row, build_leaderboard

BATCH = 64
NAMES = ("gsm8k", "math", "code")
Answers = dict[str, np.ndarray]
"""By candidate: slices x items, was it answered correctly?"""


@dataclass(frozen=True)
class World:
    """What is true of a study."""

    worth: Mapping[str, Sequence[float]]
    """Accuracy of each candidate, slice by slice; those named `trial N` are what a search finds."""
    search: int = 64
    holdout: int = 100
    """Items a slice."""
    finalists: int = 5
    alike: float = 0.8
    """The share of what decides an answer that lies in the item: the more, the more answers are ties."""

    @property
    def slices(self) -> int:
        return len(next(iter(self.worth.values())))

    def mean(self, name: str) -> float:
        """The accuracy that the intervals are to cover."""
        return float(np.mean(self.worth[name]))

    def draw(self, chance: np.random.Generator, items: int) -> Answers:
        """Everybody's answers to new items: what is hard for one is hard for all."""
        hardness = np.sqrt(self.alike) * chance.standard_normal((self.slices, items))
        found = {}
        for name, worth in self.worth.items():
            ability = np.array([NormalDist().inv_cdf(each) for each in worth])[:, None]
            own = np.sqrt(1 - self.alike) * chance.standard_normal((self.slices, items))
            found[name] = ability > hardness + own
        return found


@dataclass
class Judged:
    """A simulated study, as far as a store would hold it."""

    world: World
    answers: Mapping[Split, Answers]
    asked: dict[str, int]
    """By candidate, holdout items of each slice."""
    rows: list[Row] = field(default_factory=list)

    @property
    def saved(self) -> float:
        """The share of the finalists' answers that elimination spared."""
        asked = [n for name, n in self.asked.items() if name.startswith("trial")]
        return 1 - sum(asked) / (len(asked) * self.world.holdout)

    @property
    def winner(self) -> Row:
        return next(row for row in self.rows if row.kind == "trial" and row.holdout_mean is not None)


def simulate(world: World, chance: np.random.Generator, *, drop: bool = True) -> Judged:
    """A search that scores every trial once, its finalists, and the verdict on them."""
    answers: dict[Split, Answers] = {
        "search": world.draw(chance, world.search),
        "holdout": world.draw(chance, world.holdout),
    }
    trials = [name for name in world.worth if name.startswith("trial")]
    best = sorted(trials, key=lambda name: -answers["search"][name].mean())[: world.finalists]
    asked = {name: world.holdout for name in world.worth if name not in trials}
    asked |= _asked(best, answers["holdout"], world.holdout) if drop else dict.fromkeys(best, world.holdout)
    judged = Judged(world, answers, asked)
    judged.rows = build_leaderboard(cast(StudyStore, Drawn(judged)), "simulated")
    return judged


def _asked(finalists: Sequence[str], answers: Answers, items: int) -> dict[str, int]:
    """How many items of each slice each of them answers before it is dropped; all are batches of one size."""
    ends = [*range(BATCH, items, BATCH), items]
    asked, left = {}, tuple(finalists)
    for end in ends:
        asked |= dict.fromkeys(left, end)
        if end < items:
            given = {name: _verdicts(answers[name], end) for name in left}
            left = remaining(given, len(finalists), len(ends) - 1)
    return asked


def _verdicts(answers: np.ndarray, end: int) -> dict[str, dict[int, bool]]:
    return {NAMES[i]: dict(enumerate(of_slice[:end].tolist())) for i, of_slice in enumerate(answers)}


@dataclass(frozen=True)
class Drawn:
    """A store that holds one simulated study, and answers what a leaderboard asks of it."""

    judged: Judged

    def study(self, name: str) -> int:
        return 1

    def studies(self) -> list[StudySummary]:
        from datetime import UTC, datetime

        now = datetime.now(UTC)
        return [StudySummary(1, "simulated", "complete", None, now, now, 0, 0)]

    def identity(self, study: int) -> dict[str, Any]:
        return {}

    def selection(self, study: int) -> None:
        return None

    def candidates(self, study: int) -> list[Candidate]:
        return [
            Candidate(
                kind_of(name), name, int(name.split()[1]) if " " in name else None, name, "complete", None
            )
            for name in self.judged.world.worth
        ]

    def slices(self, study: int) -> list[StudySlice]:
        world, splits = self.judged.world, cast(tuple[Split, ...], ("search", "holdout"))
        sizes = {"search": world.search, "holdout": world.holdout}
        return [
            StudySlice(name, name, split, f"{split} {i}", sizes[split])
            for split in splits
            for i, name in enumerate(NAMES[: world.slices])
        ]

    def verdicts(self, digests: Sequence[str], slice_digest: str) -> dict[str, dict[int, bool]]:
        return {name: dict(enumerate(self._given(name, slice_digest).tolist())) for name in digests}

    def tallies(self, digests: Sequence[str], slice_digest: str) -> dict[str, Tally]:
        given = {name: self._given(name, slice_digest) for name in digests}
        return {name: Tally(int(each.sum()), len(each)) for name, each in given.items()}

    def _given(self, name: str, slice_digest: str) -> np.ndarray:
        split, index = slice_digest.split()
        answers = self.judged.answers[cast(Split, split)][name][int(index)]
        return cast(np.ndarray, answers[: self.judged.asked.get(name, 0)] if split == "holdout" else answers)


def kind_of(name: str) -> CandidateKind:
    if name.startswith("trial"):
        return "trial"
    return cast(CandidateKind, name) if name in ("base", "uniform") else "expert"
