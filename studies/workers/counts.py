"""How far studies have come, in numbers that change as they go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.rows import CandidateState
from studies.store.schema import candidates, evidence, studies, study_slices


@dataclass(frozen=True)
class TrialCount:
    """How many trials of a study are in one state, for one kind of failure."""

    study: str
    state: CandidateState
    failure: str | None
    n: int


@dataclass(frozen=True)
class Evidence:
    """How much there is of a study's evidence; another value means that something was measured."""

    n: int
    latest: datetime | None
    """When the last of it was measured, UTC; None where there is none."""


@patient
def count_trials(store: StudyStore) -> list[TrialCount]:
    """The trials of every study by state and kind of failure, in the order of the studies."""
    with reading(store.engine) as connection:
        return [TrialCount(*row) for row in connection.execute(_select_counts())]


@patient
def evidence_so_far(store: StudyStore, study: int) -> Evidence:
    """What was measured of the study's candidates on its slices, whichever study asked."""
    digests = select(candidates.c.digest).where(candidates.c.study_id == study)
    parts = select(study_slices.c.slice_digest).where(study_slices.c.study_id == study)
    e = evidence.c
    query = select(func.count(), func.max(e.measured_at))
    which = (e.subject_digest.in_(digests), e.slice_digest.in_(parts))
    with reading(store.engine) as connection:
        return Evidence(*connection.execute(query.select_from(evidence).where(*which)).one())


def _select_counts() -> Select[Any]:
    c = candidates.c
    return (
        select(studies.c.name, c.state, c.failure, func.count())
        .join_from(studies, candidates)
        .where(c.kind.in_(("trial", "fused")), c.trial.is_not(None))
        .group_by(studies.c.id, studies.c.name, c.state, c.failure)
        .order_by(studies.c.id, c.state, c.failure)
    )
