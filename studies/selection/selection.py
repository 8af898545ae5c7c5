"""What was decided, and all that it was decided by, as a table of plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evaluators.score import Accuracy
from studies.store.rows import CandidateKind
from studies.verdicts.paired import Difference

Role = Literal["target", "source"]


@dataclass(frozen=True)
class Option:
    """One row of the table: a model that could be the target, or teach it; shares are fractions."""

    name: str
    study: str | None
    kind: CandidateKind
    digest: str
    role: Role | None
    reason: str
    """Why it has its role, or none."""
    holdout: Mapping[str, Accuracy]
    """Per slice, of the items that select."""
    mean: float
    """Unweighted mean over slices of the same."""
    gain: float
    """Share of items that it fails and the strongest other row of their slice solves; mean over slices."""
    complementarity: Mapping[str, Mapping[str, int]]
    """By each other row's name, then by slice: items that it fails and the other solves."""
    coverage: Mapping[str, float | None]
    """By each other row's name: share of characters that both tokenizers span alike; None: not known."""
    parameters: int
    seconds_per_token: float | None
    """As measured when it was judged; None where no token was generated."""
    vs_best: Difference | None
    """Against the best possible target; None for that one, and for those that become no target unasked."""
    vs_target: Mapping[str, Difference]
    """Per slice, against the target; empty for the target."""

    def to_json(self) -> dict[str, Any]:
        """As `crucible fuse --plan --json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class Selection:
    """Who becomes the target, who teaches it, and why."""

    rows: tuple[Option, ...]
    """The target first, then its sources, then the others by mean."""
    target: str
    sources: Mapping[str, tuple[str, ...]]
    """By name, the strongest first: the slices on which each is to teach. None where it was named and beats
    the target on no slice."""
    reason: str
    overridden: bool
    """Whether target or sources were named by a person, and not chosen."""
    warnings: tuple[str, ...] = ()
    """What speaks against that."""

    def row(self, name: str) -> Option:
        """The row of that name."""
        return next(row for row in self.rows if row.name == name)

    def to_json(self) -> dict[str, Any]:
        """As `crucible fuse --plan --json` prints it."""
        return {
            "target": self.target,
            "sources": {name: list(slices) for name, slices in self.sources.items()},
            "reason": self.reason,
            "overridden": self.overridden,
            "warnings": list(self.warnings),
            "rows": [row.to_json() for row in self.rows],
        }

    def to_stored(self) -> dict[str, Any]:
        """As the store keeps it: there `target` is a digest, for names may be given anew."""
        return {**self.to_json(), "target": self.row(self.target).digest, "target_name": self.target}
