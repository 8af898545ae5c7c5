"""Single answers to items, some of possibly millions: whole blocks of them are skipped unread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.rows import Filed, StudySlice
from studies.store.schema import evidence, outputs
from studies.views.entries import Entry
from studies.views.tallies import Sums


@dataclass(frozen=True)
class Block:
    """The answers of one candidate to one slice."""

    entry: Entry
    part: StudySlice
    n: int
    """How many there are so far."""


def blocks(
    entries: Sequence[Entry], parts: Sequence[StudySlice], sums: Mapping[Filed, Sums]
) -> Iterator[Block]:
    """Those that there are, in the order of the candidates and the slices."""
    for entry in entries:
        for part in parts:
            if (found := sums.get(Filed(entry.digest, part.digest))) is not None:
                yield Block(entry, part, found.n)


@patient
def read_answers(
    store: StudyStore, wanted: Sequence[Block], *, offset: int, limit: int | None, text: bool
) -> list[dict[str, Any]]:
    """At most `limit` answers from the `offset`th on, in the order of the blocks and the items."""
    rows: list[dict[str, Any]] = []
    with reading(store.engine) as connection:
        for block, skip, take in _parts(wanted, offset, limit):
            found = connection.execute(_select(block, skip, take, text))
            rows += [{**_told(block), **row._mapping} for row in found]
    return rows


def _parts(wanted: Sequence[Block], offset: int, limit: int | None) -> Iterator[tuple[Block, int, int]]:
    """Of each block that something is wanted of: how many answers to skip, and how many to take."""
    left = sum(block.n for block in wanted) if limit is None else limit
    for block in wanted:
        skip = min(offset, block.n)
        offset, take = offset - skip, min(block.n - skip, left)
        left -= take
        if take:
            yield block, skip, take


def _told(block: Block) -> dict[str, Any]:
    entry, part = block.entry, block.part
    return {
        "candidate": entry.name,
        "kind": entry.kind,
        "trial": entry.trial,
        "slice": part.name,
        "split": part.split,
    }


def _select(block: Block, skip: int, take: int, text: bool) -> Select[Any]:
    e = evidence.c
    columns = (e.item, e.correct, e.extracted, e.tokens, e.seconds, e.logprob, e.prompt_hash, e.measured_at)
    query = select(*columns, outputs.c.text) if text else select(*columns)
    query = query.join_from(evidence, outputs) if text else query
    which = (e.subject_digest == block.entry.digest, e.slice_digest == block.part.digest)
    return query.where(*which).order_by(e.item).offset(skip).limit(take)
