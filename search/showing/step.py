"""What is shown of a search while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studies.verdicts.steering import Score

Phase = Literal["dry run", "baselines", "trials", "holdout"]


@dataclass(frozen=True)
class Step:
    """One candidate done (in a dry run: one slice of it): what a display needs to know."""

    phase: Phase
    done: int
    total: int
    name: str
    score: Score | None = None
    """On search items by the study's objective, in several numbers where it has several; on holdout items
    by accuracy; in a dry run by what the slice is scored by. None where the candidate failed or was stopped,
    NaN where it cannot be known yet."""
    reason: str | None = None
    """Why it failed, or was stopped."""
    seconds: float = 0.0
    failure: str | None = None
    """Of what kind the failure was, one of `search.errors.KINDS`."""
    gold: bool = False
    """Whether a dry run's slice is scored by its gold answers."""
    pruned: bool = False
    """Whether it was stopped, being very unlikely to beat the best so far."""
    estimate: float | None = None
    """Of one that was stopped, as far as whoever shows it knows: what all items would have given."""
    items: int = 0
    """That a candidate is asked in this phase, where such are stopped early."""
    left: int = 0
    """Of these, those that it was spared."""
    dropped_after: int | None = None
    """Of a finalist that was behind: the holdout items that it was asked; its score is over these."""
