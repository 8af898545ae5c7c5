"""Who was asked every holdout item, and how each compares with the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from studies.store import StudyStore
from studies.store.rows import CandidateKind, StudySlice
from studies.verdicts.paired import Difference, Verdicts, paired_difference, simultaneous_level
from studies.verdicts.together import Entered

FOUND: tuple[CandidateKind, ...] = ("trial", "fused")
RIVALS: tuple[CandidateKind, ...] = ("base", "expert", "uniform")
"""What a merge that the search found is compared with: the base, the best expert, the uniform merge."""
RAW: CandidateKind = "model"
"""And, where there is one, the best of the models that were asked as they are."""


@dataclass(frozen=True)
class Holdout:
    """Everyone who was asked every holdout item that judges, by digest, and whom to compare them with."""

    verdicts: Mapping[str, Verdicts]
    """On the items that judge."""
    rivals: Mapping[CandidateKind, str]
    """Digest of each baseline that was judged; of several of a kind the best."""
    level: float
    """Of each interval, so that all those of the merges that the search found hold together at 95%."""
    choices: Mapping[CandidateKind, int] = field(default_factory=dict)
    """From how many models the best of a kind was chosen, by these very items."""
    partly: Mapping[str, Verdicts] = field(default_factory=dict)
    """Merges that the search found and that were asked some of these items: as a rule dropped as behind."""

    def asked(self, digest: str) -> int:
        """How many of the items that judge a candidate has answered."""
        found = self.verdicts.get(digest) or self.partly.get(digest) or {}
        return sum(map(len, found.values()))

    def difference(self, digest: str, rival: CandidateKind) -> Difference | None:
        """How much a candidate is above a baseline; None unless both were judged.

        The best of several looks better than it is, so the truth lies above such an interval more often: its
        upper end is that of as many comparisons. Its lower end, by which a merge is proven better, holds as
        it is: one that is not the best in truth comes out first only by leaving that one behind.
        """
        found, other = self.between(digest, self.rivals.get(rival)), self.rivals.get(rival)
        choices = self.choices.get(rival, 1)
        if found is None or other is None or other == digest or choices < 2:
            return found
        level = simultaneous_level(choices, self.level)
        wider = paired_difference(self.verdicts[digest], self.verdicts[other], level)
        return replace(found, high=wider.high)

    def between(self, digest: str, other: str | None) -> Difference | None:
        """How much a candidate is above another; None unless both were judged."""
        if other is None or digest not in self.verdicts or other not in self.verdicts:
            return None
        a, b = self.verdicts[digest], self.verdicts[other]
        if digest == other:  # one model, one set of answers: there is nothing to estimate
            return Difference(0.0, 0.0, 0.0, sum(map(len, a.values())))
        return paired_difference(a, b, self.level)


def judge(store: StudyStore, entered: Sequence[Entered]) -> Holdout:
    """Collect who was asked the items that judge, of the holdout slices that these studies share."""
    return weigh(entered, [_answers(store, each) for each in entered])


Answers: TypeAlias = Mapping[str, Mapping[str, Mapping[int, bool]]]
"""Of one study, by slice and digest, per item: was it answered correctly?"""


def weigh(entered: Sequence[Entered], answers: Sequence[Answers]) -> Holdout:
    """Who was judged by these answers, one for each study, and how wide intervals have to be.

    Every merge that was asked a holdout item was looked at, and is paid for: those that were dropped, too.
    """
    verdicts, partly = _verdicts(entered, answers)
    judged = [one for each in entered for one in each.candidates if one.digest in verdicts]
    judged.sort(key=lambda each: foremost(mean_accuracy(verdicts[each.digest]), each.name))
    rivals = {each.kind: each.digest for each in reversed(judged) if each.kind in (*RIVALS, RAW)}
    found = {each.digest for each in judged if each.kind in FOUND} | set(partly)
    fused = {
        one.digest
        for each in entered
        for one in each.candidates
        if one.kind == "fused" and one.digest in verdicts and each.target in verdicts
    }
    comparisons = (len(RIVALS) + (RAW in rivals)) * max(1, len(found)) + len(fused)
    choices = {kind: len({each.digest for each in judged if each.kind == kind}) for kind in rivals}
    return Holdout(verdicts, rivals, simultaneous_level(comparisons), choices, partly)


def _answers(store: StudyStore, study: Entered) -> Answers:
    digests = [each.digest for each in study.candidates]
    # The target is compared with, whether or not it is a candidate by itself.
    digests += [study.target] if study.target is not None else []
    return {part.name: store.verdicts(digests, part.digest) for part in study.parts("holdout")}


def _verdicts(
    entered: Sequence[Entered], answers: Sequence[Answers]
) -> tuple[dict[str, Verdicts], dict[str, Verdicts]]:
    """Of everybody who was asked all that judges, and of the merges that were asked some of each slice."""
    judging = {part.name: _judging(part, entered, answers) for part in entered[0].parts("holdout")}
    if not judging or not all(judging.values()):
        return {}, {}
    whole: dict[str, Verdicts] = {}
    partly: dict[str, Verdicts] = {}
    for study, given in zip(entered, answers, strict=True):
        merges = {one.digest for one in study.candidates if one.kind in FOUND}
        for digest in {digest: None for of_slice in given.values() for digest in of_slice}:
            own = _only(judging, study, given, digest)
            if all(len(own[name]) == len(items) for name, items in judging.items()):
                whole.setdefault(digest, own)
            elif digest in merges and all(own.values()):
                partly.setdefault(digest, own)
    return whole, {digest: own for digest, own in partly.items() if digest not in whole}


def _judging(part: StudySlice, entered: Sequence[Entered], answers: Sequence[Answers]) -> set[int]:
    """The items of a slice that no study here selected by; none, until someone was asked all of them."""
    asked = {item for given in answers for items in given[part.name].values() for item in items}
    if len(asked) < part.n:
        return set()
    for study in entered:
        if study.parting is not None:
            asked = study.parting.judging(study.items_of(part), asked)
    return asked


def _only(judging: Mapping[str, set[int]], study: Entered, given: Answers, digest: str) -> Verdicts:
    return {
        part.name: {
            item: correct for item, correct in given[part.name][digest].items() if item in judging[part.name]
        }
        for part in study.parts("holdout")
    }


def mean_accuracy(verdicts: Verdicts) -> float:
    """The unweighted mean over slices, rounded once: candidates that are as good get equal means."""
    shares = [Fraction(sum(items.values()), len(items)) for items in verdicts.values()]
    return float(sum(shares) / len(shares))


def foremost(mean: float, name: str) -> tuple[float, str]:
    """The order by which one expert is the best: by holdout mean, and of equals by name."""
    return -mean, name
