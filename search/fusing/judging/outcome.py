"""What a fusion came to: target, reason, sources, and holdout before and after with their difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search.fusing.judging.merging import SUFFIX
from search.fusing.plan import Plan
from search.fusing.preflight import Prepared
from studies.report.table import percent
from studies.store import StudyStore
from studies.verdicts.leaderboard import Row, build_leaderboard


@dataclass(frozen=True)
class Outcome:
    """A fusion that came to its end."""

    plan: Plan
    coverage: dict[str, float]
    """Of each source, by name."""
    rows: tuple[Row, ...]
    """The leaderboard, on the items that judge."""
    out: Path
    merged: str | None
    """The study that searched over the fused targets, if one did."""

    @property
    def before(self) -> Row:
        """The unfused target."""
        digest = self.plan.selection.row(self.plan.selection.target).digest
        return next(row for row in self.rows if row.digest == digest)

    @property
    def after(self) -> Row:
        """The best of what was fused."""
        return next(row for row in self.rows if row.kind == "fused")

    def to_json(self) -> dict[str, Any]:
        """As `crucible fuse --json` prints it; scores and shares are fractions."""
        selection, gain = self.plan.selection, self.after.vs_target
        return {
            "fusion": self.plan.spec.name,
            "target": selection.target,
            "reason": selection.reason,
            "overridden": selection.overridden,
            "sources": {
                name: {"slices": list(slices), "coverage": self.coverage[name]}
                for name, slices in selection.sources.items()
            },
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "vs_target": None if gain is None else asdict(gain),
            "merge_study": self.merged,
            "out": str(self.out),
            "leaderboard": [row.to_json() for row in self.rows],
        }

    def to_text(self) -> str:
        """A few lines for a person."""
        selection = self.plan.selection
        lines = [f"target   {selection.target}", f"reason   {selection.reason}"]
        for name, slices in selection.sources.items():
            on = f"on {', '.join(slices)}" if slices else "as the file says"
            lines.append(f"source   {name} ({on}; {self.coverage[name]:.1%} of characters aligned)")
        return "\n".join([*lines, *self._judged()])

    def _judged(self) -> Iterator[str]:
        n = sum(score.n for score in self.before.holdout.values())
        yield f"holdout  {n} items that selected nothing"
        for title, row in (("before", self.before), ("after", self.after)):
            slices = ", ".join(
                f"{name} {percent(score.mean)} [{percent(score.low)}, {percent(score.high)}]"
                for name, score in row.holdout.items()
            )
            yield f"  {title:<7}{percent(row.holdout_mean or 0)}  {row.name}: {slices}"
        gain = self.after.vs_target
        if gain is not None:
            mean, low, high = (100 * value for value in (gain.mean, gain.low, gain.high))
            proven = (
                "proven better" if gain.low > 0 else "proven worse" if gain.high < 0 else "not proven better"
            )
            yield (
                f"  gained {mean:+.1f} points (95% interval {low:+.1f} to {high:+.1f}): the fused model is"
                f" {proven} than the unfused target"
            )


def outcome_of(prepared: Prepared, store: StudyStore) -> Outcome:
    """Read from the store what a fusion came to."""
    name = prepared.plan.spec.name
    merged = f"{name}{SUFFIX}"
    known = {each.name for each in store.studies()}
    rows = tuple(build_leaderboard(store, name))
    return Outcome(
        prepared.plan, dict(prepared.coverage), rows, prepared.out, merged if merged in known else None
    )
