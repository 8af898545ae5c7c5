"""When a study's budget would end, as far as one trial tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from search.showing.display import clock


@dataclass(frozen=True)
class Forecast:
    """A study's run from its first baseline to its verdict, begun now; all times in seconds."""

    trials: int
    """That the budget has time for."""
    of: int
    """Trials of the budget."""
    baselines: float
    search: float
    holdout: float | None
    """None where holdout items are answered in another way than the search items that were timed."""
    began: datetime
    """With its time zone."""
    per_hour: float = 0.0
    """Trials, of all workers together."""

    @property
    def seconds(self) -> float:
        """In all, holdout items included where their time is known."""
        return self.baselines + self.search + (self.holdout or 0.0)

    @property
    def ends(self) -> datetime:
        """When all of it would be done."""
        return self.began + timedelta(seconds=self.seconds)

    def to_json(self) -> dict[str, Any]:
        """As `crucible check --measure --json` prints it; the end in ISO 8601, with its time zone."""
        return {
            "trials": self.trials,
            "of": self.of,
            "baselines_seconds": self.baselines,
            "search_seconds": self.search,
            "holdout_seconds": self.holdout,
            "seconds": self.seconds,
            "ends_at": self.ends.isoformat(timespec="seconds"),
            "trials_per_hour": self.per_hour,
        }

    def to_text(self) -> str:
        """One line for a person."""
        trials = f"{self.trials} trials" if self.trials == self.of else f"{self.trials} of {self.of} trials"
        pace = f"{trials} {clock(self.search)} at {self.per_hour:,.0f} an hour"
        parts = [f"baselines {clock(self.baselines)}", pace]
        if self.holdout is not None:
            parts.append(f"holdout {clock(self.holdout)}")
        else:
            parts.append("and then the holdout items, whose answers were not timed")
        return f"about {clock(self.seconds)} from now, {self.ends:%a %d %b %H:%M} ({', '.join(parts)})"


def forecast(
    trial: float,
    holdout: float | None,
    entrants: int,
    trials: int,
    finalists: int,
    hours: float | None,
    side_by_side: float = 1.0,
) -> Forecast:
    """Reckon with `trial` seconds for each candidate's search items and `holdout` for its holdout items.

    `entrants` is how many baselines there are, and `side_by_side` how many candidates are measured at once.
    As in a run, `hours` are from its start to its verdict, as far as that is known.
    """
    trial, holdout = trial / side_by_side, None if holdout is None else holdout / side_by_side
    baselines, fit = entrants * trial, trials
    if hours is not None:
        verdict = (entrants + finalists) * (holdout or 0.0)
        fit = min(trials, max(0, math.floor((hours * 3600 - baselines - verdict) / max(trial, 1e-9))))
    return Forecast(
        trials=fit,
        of=trials,
        baselines=baselines,
        search=fit * trial,
        holdout=None if holdout is None else (entrants + min(finalists, fit)) * holdout,
        began=datetime.now().astimezone(),
        per_hour=3600 / max(trial, 1e-9),
    )
