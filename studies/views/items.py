"""The answers of a candidate to single items, and what it gained and lost against another; paged in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studies.errors import StudiesError, StudyNotFound
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.rows import Filed, StudySlice
from studies.views.answers import FIELDS, Outcome, Wanted, count_outcomes, read_items
from studies.views.entries import Entry, entries_of, study_name
from studies.views.scored import pick
from studies.views.tallies import read_sums


@dataclass(frozen=True)
class Answer:
    """One answer to one item."""

    correct: bool
    extracted: str | None
    text: str
    tokens: int
    seconds: float
    logprob: float | None


@dataclass(frozen=True)
class ItemView:
    """An item with the answer of a candidate, and that of another where one is compared with."""

    item: int
    prompt_hash: str
    answer: Answer
    other: Answer | None


@dataclass(frozen=True)
class ItemsPage:
    """Some of a candidate's answers to one slice."""

    part: StudySlice
    candidate: Entry
    other: Entry | None
    right: int
    n: int
    """Items that the candidate was asked, of which `right` were answered correctly."""
    outcomes: Mapping[Outcome, int]
    """Over items that both were asked; empty without another."""
    rows: tuple[ItemView, ...]
    total: int
    """Items that the filter lets through."""
    offset: int
    size: int


def items_page(store: StudyStore, study: int, wanted: Wanted) -> ItemsPage | None:
    """Answers in the order of the items; None where the candidate answered nothing of what is looked for.

    Raises StudyNotFound for a candidate or slice that is not there, StudiesError for a verdict that takes
    another candidate where none is given.
    """
    if wanted.versus is None and wanted.verdict in ("gained", "lost", "differing"):
        raise StudiesError(f"items {wanted.verdict}: name another candidate to compare with")
    name, known = study_name(store, study), entries_of(store, study)
    candidate = pick(known, wanted.candidate, name)
    other = None if wanted.versus is None else pick(known, wanted.versus, name)
    part = _part(store, study, candidate, wanted)
    return None if part is None else _page(store, part, candidate, other, wanted)


def _part(store: StudyStore, study: int, candidate: Entry, wanted: Wanted) -> StudySlice | None:
    """The first part that may be meant and that the candidate was asked anything of; holdout items first."""
    parts = store.slices(study)
    if wanted.slice is not None and wanted.slice not in {part.name for part in parts}:
        names = ", ".join(dict.fromkeys(part.name for part in parts))
        raise StudyNotFound(f"no slice {wanted.slice!r}: this study has {names}")
    meant = [
        part
        for part in sorted(parts, key=lambda part: part.split)
        if wanted.slice in (None, part.name) and wanted.split in (None, part.split)
    ]
    answered = read_sums(store, [candidate.digest], meant)
    return next((part for part in meant if Filed(candidate.digest, part.digest) in answered), None)


@patient
def _page(
    store: StudyStore, part: StudySlice, candidate: Entry, other: Entry | None, wanted: Wanted
) -> ItemsPage:
    rival = None if other is None else other.digest
    with reading(store.engine) as connection:
        counts = count_outcomes(connection, part.digest, candidate.digest, rival)
        rows = read_items(connection, part.digest, (candidate.digest, rival), wanted)
        return ItemsPage(
            part=part,
            candidate=candidate,
            other=other,
            right=counts.right,
            n=counts.n,
            outcomes=counts.outcomes,
            rows=tuple(map(_view, rows)),
            total=counts.of(wanted.verdict) if wanted.item is None else len(rows),
            offset=wanted.offset,
            size=wanted.size,
        )


def _view(row: Sequence[Any]) -> ItemView:
    item, prompt, *answers = row
    own, other = answers[:FIELDS], answers[FIELDS:]
    return ItemView(item, prompt, Answer(*own), Answer(*other) if other and other[0] is not None else None)
