"""What callers hand to the store and get from it: plain frozen rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from studies.store.identity import JSON

StudyState = Literal[
    "selecting", "extracting", "distilling", "searching", "judging", "complete", "stopped", "failed"
]
AT_WORK: tuple[StudyState, ...] = ("selecting", "extracting", "distilling", "searching", "judging")
"""The states of a study that some process is running."""
CandidateKind = Literal["base", "expert", "uniform", "trial", "model", "fused"]
"""model: one that was asked as it is, of any family. fused: a distilled model, or a merge of such."""
CandidateState = Literal["running", "complete", "failed", "pruned"]
"""pruned: stopped early, being very unlikely to beat the best; some of its search items are not measured."""
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
    """A model with its part in a study; (kind, name) is unique within the study."""

    kind: CandidateKind
    name: str
    trial: int | None
    """Optuna's number, for a trial."""
    digest: str
    """Of its recipe, or of the model's content."""
    state: CandidateState
    reason: str | None
    """Why it failed, or was stopped early."""
    failure: str | None = None
    """Of what kind the failure was."""


@dataclass(frozen=True)
class ModelSubject:
    """A model that was asked as it is, known by its content and not by where it lies."""

    digest: str
    """Of its content: weights, config and tokenizer files."""
    path: str
    """Where it was last seen: an absolute folder, or an id on the hub."""
    revision: str | None
    architecture: str
    """Its config's `model_type`."""
    parameters: int
    made: Mapping[str, JSON] | None = None
    """How a fused model was made; None for one that was given."""


class Filed(NamedTuple):
    """What one evidence is filed under."""

    subject: str
    slice: str


@dataclass(frozen=True)
class TrainingRow:
    """What was measured at one step of a training run; the time is UTC."""

    run: str
    step: int
    metrics: Mapping[str, JSON]
    at: datetime


@dataclass(frozen=True)
class Tally:
    """How many of the n items asked so far were answered correctly."""

    correct: int
    n: int


@dataclass(frozen=True)
class Cost:
    """What answers took: tokens generated, and seconds, grading included."""

    tokens: int
    seconds: float


@dataclass(frozen=True)
class Lengths:
    """How long n answers were: the sum of their tokens, and of the squares of each."""

    n: int
    tokens: int
    squares: int


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
    """Those that are complete, or were stopped early."""
    failed: int
    """Trials that ended without a score."""
    pruned: int = 0
    """Of the trials, those that were stopped early."""
