"""What a model that no search proposed is worth on a study's items."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.table import Table

from evaluators.score import Accuracy
from search.showing.tables import console
from studies.report.table import percent


@dataclass(frozen=True)
class Evaluation:
    """A model's accuracy on both splits of a study's slices."""

    model: str
    fingerprint: str
    search: Mapping[str, Accuracy]
    holdout: Mapping[str, Accuracy]
    kept: str | None = None
    """What the study calls it, of which it became a candidate."""

    @property
    def holdout_mean(self) -> float:
        """Unweighted mean over the holdout slices."""
        return fmean(score.mean for score in self.holdout.values())

    def to_json(self) -> dict[str, Any]:
        """As `crucible evaluate --json` prints it; scores are fractions."""
        told = {name: value for name, value in asdict(self).items() if name != "kept" or value is not None}
        return {**told, "holdout_mean": self.holdout_mean}


def show_evaluation(result: Evaluation, study: str) -> None:
    """Print a model's accuracies, and what it is called if the study keeps it."""
    table = Table(title=result.model, title_justify="left", header_style="bold")
    for name in ("slice", "holdout [95%]", "n", "search [95%]", "n"):
        table.add_column(name, justify="left" if name == "slice" else "right")
    for name, judged in result.holdout.items():
        cells = [cell for score in (judged, result.search[name]) for cell in (_interval(score), str(score.n))]
        table.add_row(name, *cells)
    console().print(table)
    console().print(f"holdout mean {percent(result.holdout_mean)}", highlight=False)
    if result.kept is not None:
        console().print(
            f"{result.kept!r} is a candidate of study {study!r}: crucible leaderboard {shlex.quote(study)}",
            highlight=False,
            soft_wrap=True,
        )


def _interval(score: Accuracy) -> str:
    return f"{percent(score.mean)} [{percent(score.low)}, {percent(score.high)}]"
