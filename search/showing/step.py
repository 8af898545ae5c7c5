"""What is shown of a search while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["dry run", "baselines", "trials", "holdout"]


@dataclass(frozen=True)
class Step:
    """One candidate done (in a dry run: one slice of it): what a display needs to know."""

    phase: Phase
    done: int
    total: int
    name: str
    score: float | None = None
    """Mean over the slices of what they are scored by; None where the candidate failed."""
    reason: str | None = None
    seconds: float = 0.0
    failure: str | None = None
    """Of what kind the failure was, one of `search.errors.KINDS`."""
