"""The longer questions to the tables, and the few words of SQL that every writer shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    and_,
    cast,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from studies.store.rows import Filed
from studies.store.schema import candidates, evidence, outputs, slices, studies, study_slices


def insert_new(connection: Connection, table: Table) -> Insert:
    """An insert that leaves a row whose key exists as it is."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def copy_evidence(connection: Connection, source: Filed, target: Filed) -> Insert:
    """An insert of everything that is filed under `source` under `target`; what is there stays as it is."""
    keys = {"subject_digest": target.subject, "slice_digest": target.slice}
    columns = [
        literal(keys[column.name], column.type).label(column.name) if column.name in keys else column
        for column in evidence.c
    ]
    which = (evidence.c.subject_digest == source.subject, evidence.c.slice_digest == source.slice)
    names = [column.name for column in evidence.c]
    copy = insert_new(connection, evidence).from_select(names, select(*columns).where(*which))
    return copy.execution_options(preserve_rowcount=True)


def update_one(
    connection: Connection, table: Table, which: ColumnElement[bool], values: dict[str, Any]
) -> None:
    """Changes the one row that `which` names, and the time of its last change."""
    changed = connection.execute(update(table).where(which).values(updated_at=utc_now(), **values)).rowcount
    assert changed == 1, f"{changed} rows of {table.name} changed, expected 1"


def creation_times() -> dict[str, datetime]:
    """Both times of a new row."""
    now = utc_now()
    return {"created_at": now, "updated_at": now}


def utc_now() -> datetime:
    """The time as the tables hold it: UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def candidate_key(study: int, kind: str, name: str) -> ColumnElement[bool]:
    """Names one candidate of a study."""
    return and_(candidates.c.study_id == study, candidates.c.kind == kind, candidates.c.name == name)


def select_candidates(study: int) -> Select[Any]:
    """A study's candidates in the order of their registration, as the fields of `Candidate`."""
    c = candidates.c
    return (
        select(c.kind, c.name, c.trial, c.digest, c.state, c.reason, c.failure)
        .where(c.study_id == study)
        .order_by(c.created_at, c.trial, c.kind, c.name)
    )


def select_slices(study: int) -> Select[Any]:
    """A study's slices in their order, as the fields of `StudySlice`."""
    return (
        select(study_slices.c.name, slices.c.task, study_slices.c.split, slices.c.digest, slices.c.n)
        .add_columns(slices.c.scoring)
        .join_from(study_slices, slices)
        .where(study_slices.c.study_id == study)
        .order_by(study_slices.c.position)
    )


def select_summaries() -> Select[Any]:
    """Every study with the number of its trials, as the fields of `StudySummary`."""
    s, c = studies.c, candidates.c
    # A fusion's own trials are merges of fused models; those that it took over from studies have no number.
    trials = and_(c.kind.in_(("trial", "fused")), c.trial.is_not(None))
    done, failed, pruned = c.state.in_(("complete", "pruned")), c.state == "failed", c.state == "pruned"
    return (
        select(s.id, s.name, s.state, s.reason, s.created_at, s.updated_at)
        .add_columns(*(func.count().filter(trials, each) for each in (done, failed, pruned)))
        .join_from(studies, candidates, isouter=True)
        .group_by(s.id)
        .order_by(s.id)
    )


def select_verdicts(subject_digests: Sequence[str], slice_digest: str) -> Select[Any]:
    """(subject digest, item, correct) of what was measured on a slice, in the order of the items."""
    e = evidence.c
    return (
        select(e.subject_digest, e.item, e.correct)
        .where(e.subject_digest.in_(subject_digests), e.slice_digest == slice_digest)
        .order_by(e.item)
    )


def select_logprobs(subject_digests: Sequence[str], slice_digest: str) -> Select[Any]:
    """(subject digest, item, log-probability, tokens) of the gold answers that were scored on a slice."""
    e = evidence.c
    return (
        select(e.subject_digest, e.item, e.logprob, e.tokens)
        .where(e.subject_digest.in_(subject_digests), e.slice_digest == slice_digest, e.logprob.is_not(None))
        .order_by(e.item)
    )


def select_tallies(subject_digests: Sequence[str], slice_digest: str) -> Select[Any]:
    """(subject digest, correct, n) of what was measured on a slice."""
    e = evidence.c
    return (
        select(e.subject_digest, func.count().filter(e.correct), func.count())
        .where(e.subject_digest.in_(subject_digests), e.slice_digest == slice_digest)
        .group_by(e.subject_digest)
    )


def select_costs(subject_digests: Sequence[str], slice_digest: str) -> Select[Any]:
    """(subject digest, tokens, seconds) of all that was answered to a slice."""
    e = evidence.c
    return (
        select(e.subject_digest, func.sum(e.tokens), func.sum(e.seconds))
        .where(e.subject_digest.in_(subject_digests), e.slice_digest == slice_digest)
        .group_by(e.subject_digest)
    )


def select_lengths(subject_digests: Sequence[str], slice_digest: str) -> Select[Any]:
    """(subject digest, n, tokens, squares of tokens) of the answers to a slice."""
    e = evidence.c
    tokens = cast(e.tokens, BigInteger)
    return (
        select(e.subject_digest, func.count(), func.sum(tokens), func.sum(tokens * tokens))
        .where(e.subject_digest.in_(subject_digests), e.slice_digest == slice_digest)
        .group_by(e.subject_digest)
    )


def select_results(subject_digest: str, slice_digest: str) -> Select[Any]:
    """What was measured of one model on one slice, with the texts, in the order of the items."""
    return (
        select(evidence, outputs.c.text)
        .join_from(evidence, outputs)
        .where(evidence.c.subject_digest == subject_digest, evidence.c.slice_digest == slice_digest)
        .order_by(evidence.c.item)
    )
