"""What callers hand to the store and get from it: plain frozen rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

StudyState = Literal["searching", "judging", "complete", "stopped", "failed"]
CandidateKind = Literal["base", "expert", "uniform", "trial", "fused"]
CandidateState = Literal["running", "complete", "failed"]
Split = Literal["search", "holdout"]
Scoring = Literal["generate", "choices", "gold"]


@dataclass(frozen=True)
class StudySlice:
    """A slice as one study knows it; studies with equal items share `digest`, and so the evidence."""

    name: str
    task: str
    split: Split
    digest: str
    n: int
    """Items in it."""
    scoring: Scoring = "generate"
    """By what: a generated answer, the likeliest choice, or the likelihood of the gold answer."""


@dataclass(frozen=True)
class Candidate:
    """A merged model with its part in a study; (kind, name) is unique within the study."""

    kind: CandidateKind
    name: str
    trial: int | None
    """Optuna's number, for a trial."""
    digest: str
    """Of its recipe."""
    state: CandidateState
    reason: str | None
    """Why it failed."""


@dataclass(frozen=True)
class Tally:
    """How many of the n items asked so far were answered correctly."""

    correct: int
    n: int


@dataclass(frozen=True)
class StudySummary:
    """One line of `crucible status`; times are UTC."""

    id: int
    name: str
    state: StudyState
    reason: str | None
    """Why it stopped or failed."""
    created_at: datetime
    updated_at: datetime
    trials: int
    """Complete ones."""
    failed: int
    """Trials that ended without a score."""
