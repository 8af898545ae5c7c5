"""What answers add up to, by candidate and slice: summed by the database, and read once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, cast, func, null, select

from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.rows import Filed, StudySlice
from studies.store.schema import evidence
from studies.views.entries import Entry

MOST = 400
"""Subjects that one query names."""


class Sums(NamedTuple):
    """The answers of one subject to one slice, summed."""

    n: int
    """Items asked."""
    correct: int
    tokens: int
    squares: int
    """Of each answer's tokens."""
    seconds: float
    logprob: float | None
    """Over items: the log-probability of the gold answer per token; None where that is not asked."""


Version = tuple[object, ...]


@dataclass
class Tallies:
    """Remembers what was summed; one for a process, which any number of threads may share.

    Evidence is append-only: the sum over all items of a slice can't change, and is never read again. Nor is
    that of a trial's search items once it was stopped or failed, until the trial is taken up again.
    """

    whole: dict[Filed, Sums] = field(default_factory=dict)
    partly: dict[Filed, tuple[Version, Sums | None]] = field(default_factory=dict)
    """Of those that were not asked everything, and won't be: as of which state of the candidate."""

    def of(
        self, store: StudyStore, entries: Sequence[Entry], parts: Sequence[StudySlice]
    ) -> Mapping[Filed, Sums]:
        """The sums of these candidates on these slices; who was asked nothing is left out."""
        found: dict[Filed, Sums] = {}
        for split in ("search", "holdout"):
            of_split = [part for part in parts if part.split == split]
            missing = {each.digest: each for each in entries if not self._knows(each, of_split, found)}
            found |= read_sums(store, list(missing), of_split)
            self._keep(missing.values(), of_split, found)
        return found

    def _knows(self, entry: Entry, parts: Sequence[StudySlice], found: dict[Filed, Sums]) -> bool:
        """Whether nothing has to be read of a candidate; what is known is `found`."""
        for part in parts:
            filed = Filed(entry.digest, part.digest)
            if (sums := self.whole.get(filed)) is None:
                version, sums = self.partly.get(filed, ((), None))
                if version != entry.version:
                    return False
            if sums is not None:
                found[filed] = sums
        return True

    def _keep(
        self, entries: Collection[Entry], parts: Sequence[StudySlice], found: Mapping[Filed, Sums]
    ) -> None:
        for entry in entries:
            for part in parts:
                filed = Filed(entry.digest, part.digest)
                sums = found.get(filed)
                if sums is not None and sums.n >= part.n:
                    self.whole[filed] = sums
                elif part.split == "search" and entry.state in ("pruned", "failed"):
                    self.partly[filed] = entry.version, sums


@patient
def read_sums(store: StudyStore, subjects: Sequence[str], parts: Sequence[StudySlice]) -> dict[Filed, Sums]:
    """Sums what was measured of these subjects on these slices, in one query for every few hundred."""
    if not subjects or not parts:
        return {}
    found: dict[Filed, Sums] = {}
    with reading(store.engine) as connection:
        for some in (subjects[i : i + MOST] for i in range(0, len(subjects), MOST)):
            for subject, slice_, *sums in connection.execute(_select_sums(some, parts)):
                n, correct, tokens, squares, seconds, logprob = sums
                found[Filed(subject, slice_)] = Sums(
                    n, correct, int(tokens), int(squares), float(seconds), logprob
                )
    return found


def _select_sums(subjects: Sequence[str], parts: Sequence[StudySlice]) -> Select[Any]:
    e = evidence.c
    tokens = cast(e.tokens, BigInteger)
    each = e.logprob / func.nullif(e.tokens, 0)
    # Millions of rows: a sum that nobody needs is time.
    gold = any(part.scoring == "gold" for part in parts)
    return (
        select(e.subject_digest, e.slice_digest, func.count(), func.count().filter(e.correct))
        .add_columns(func.sum(tokens), func.sum(tokens * tokens), func.sum(e.seconds))
        .add_columns(func.sum(each) if gold else null())
        .where(e.subject_digest.in_(subjects), e.slice_digest.in_([part.digest for part in parts]))
        .group_by(e.subject_digest, e.slice_digest)
    )
