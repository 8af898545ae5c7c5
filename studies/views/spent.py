"""Where a study's time goes, trial by trial and in all, and what racing spared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from studies.store import StudyStore
from studies.store.rows import Filed
from studies.verdicts.savings import Savings
from studies.views.entries import Entry, Told, study_name, told_of
from studies.views.scored import Scored, scored
from studies.views.tallies import Sums, Tallies


@dataclass(frozen=True)
class TrialTime:
    """One trial that has ended; seconds."""

    number: int
    proposing: float | None
    """From when it was begun until its recipe was known; None where the proposals are not at hand."""
    answering: float
    """In which its search items were answered and graded."""
    other: float
    """The rest of the time until it ended: merging, loading, waiting."""
    tokens: int

    @property
    def total(self) -> float:
        """All of it."""
        return (self.proposing or 0.0) + self.answering + self.other


@dataclass(frozen=True)
class Spent:
    """Where the time of a study's trials went."""

    trials: tuple[TrialTime, ...]
    """By number."""
    savings: Savings | None
    """What racing spared; None for a study that is not raced."""

    @property
    def mean(self) -> TrialTime | None:
        """Of a trial on average, under the number of trials; None before one has ended."""
        if not self.trials:
            return None
        n, known = len(self.trials), [each.proposing for each in self.trials if each.proposing is not None]
        return TrialTime(
            number=n,
            proposing=fmean(known) if known else None,
            answering=sum(each.answering for each in self.trials) / n,
            other=sum(each.other for each in self.trials) / n,
            tokens=round(sum(each.tokens for each in self.trials) / n),
        )


def spent(store: StudyStore, tallies: Tallies, study: int) -> Spent:
    """Where the time of a study's ended trials went."""
    found = scored(store, tallies, study)
    told = told_of(store, study_name(store, study))
    ended = sorted((each for each in found.trials if each.ended_at is not None), key=lambda e: e.trial or 0)
    return Spent(tuple(_time(found, told, each) for each in ended), _savings(found))


def _time(found: Scored, told: Mapping[int, Told], entry: Entry) -> TrialTime:
    number, sums = entry.trial or 0, _sums(found, entry)
    began = told[number].began_at if number in told else None
    proposing = None if began is None else max(0.0, (entry.began_at - began).total_seconds())
    took = (entry.changed_at - entry.began_at).total_seconds()
    # Answers that another study or an earlier trial gave took none of this trial's time.
    answering = min(took, sum(each.seconds for each in sums))
    return TrialTime(number, proposing, answering, took - answering, sum(each.tokens for each in sums))


def _sums(found: Scored, entry: Entry) -> list[Sums]:
    each = (found.sums.get(Filed(entry.digest, part.digest)) for part in found.parts("search"))
    return [sums for sums in each if sums is not None]


def _savings(found: Scored) -> Savings | None:
    """As `studies/verdicts/savings.py` has it, of sums that are at hand."""
    said = found.identity.get("study")
    if not isinstance(said, Mapping) or "racing" not in said:
        return None
    rows = [each for each in found.trials if each.kind == "trial"]
    measured = {row.digest for row in rows if row.state == "complete"}
    pruned = {row.digest for row in rows if row.state == "pruned"} - measured
    items, tokens = 0, 0.0
    for digest, part in product(sorted(pruned), found.parts("search")):
        sums = found.sums.get(Filed(digest, part.digest))
        left = part.n - (0 if sums is None else sums.n)
        items += left
        tokens += 0.0 if sums is None else left * sums.tokens / sums.n
    trials = len(measured) + len(pruned)
    return Savings(trials, len(pruned), trials * found.items("search"), items, round(tokens))
