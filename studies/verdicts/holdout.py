"""Who was asked every holdout item, and how each compares with the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from studies.store import StudyStore
from studies.store.rows import Candidate, CandidateKind, StudySlice
from studies.verdicts.paired import Difference, Verdicts, paired_difference, simultaneous_level

FOUND: tuple[CandidateKind, ...] = ("trial", "fused")
RIVALS: tuple[CandidateKind, ...] = ("base", "expert", "uniform")
"""What a merge that the search found is compared with: the base, the best expert, the uniform merge."""


@dataclass(frozen=True)
class Holdout:
    """Everyone who was asked every holdout item, by digest, and whom to compare them with."""

    verdicts: Mapping[str, Verdicts]
    rivals: Mapping[CandidateKind, str]
    """Digest of each baseline that was judged; of the experts the best."""
    level: float
    """Of each interval, so that all those of the merges that the search found hold together at 95%."""

    def difference(self, digest: str, rival: CandidateKind) -> Difference | None:
        """How much a candidate is above a baseline; None unless both were judged."""
        if digest not in self.verdicts or rival not in self.rivals:
            return None
        a, b = self.verdicts[digest], self.verdicts[self.rivals[rival]]
        if digest == self.rivals[rival]:  # one model, one set of answers: there is nothing to estimate
            return Difference(0.0, 0.0, 0.0, sum(map(len, a.values())))
        return paired_difference(a, b, self.level)


def judge(store: StudyStore, candidates: Sequence[Candidate], slices: Sequence[StudySlice]) -> Holdout:
    """Collect who was asked every item of these holdout slices."""
    digests = [candidate.digest for candidate in candidates]
    answers = {part: store.verdicts(digests, part.digest) for part in slices}
    verdicts = {
        digest: {part.name: found[digest] for part, found in answers.items()}
        for digest in digests
        if slices and all(len(found[digest]) == part.n for part, found in answers.items())
    }
    judged = [candidate for candidate in candidates if candidate.digest in verdicts]
    judged.sort(key=lambda each: foremost(mean_accuracy(verdicts[each.digest]), each.name))
    found = {each.digest for each in judged if each.kind in FOUND}
    return Holdout(
        verdicts,
        rivals={each.kind: each.digest for each in reversed(judged) if each.kind in RIVALS},
        level=simultaneous_level(len(RIVALS) * max(1, len(found))),
    )


def mean_accuracy(verdicts: Verdicts) -> float:
    """The unweighted mean over slices, rounded once: candidates that are as good get equal means."""
    shares = [Fraction(sum(items.values()), len(items)) for items in verdicts.values()]
    return float(sum(shares) / len(shares))


def foremost(mean: float, name: str) -> tuple[float, str]:
    """The order by which one expert is the best: by holdout mean, and of equals by name."""
    return -mean, name
