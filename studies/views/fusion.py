"""A fusion: who could be what, who became what and why, how training went, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from evaluators.score import Accuracy
from studies.selection.selection import Role
from studies.store import StudyStore
from studies.store.rows import CandidateKind, TrainingRow
from studies.verdicts.leaderboard import Row, build_leaderboard

ALONE = "on its own"
MOST_STEPS = 400
"""Of a run that are told; of a longer one every so many, and the last."""


@dataclass(frozen=True)
class Contestant:
    """A model that could be the target or teach it, as it was selected by; shares are fractions."""

    name: str
    study: str | None
    """The searched family that it is of; None for a model by itself."""
    kind: CandidateKind
    digest: str
    role: Role | None
    reason: str
    holdout: Mapping[str, Accuracy]
    """Per slice, of the items that select."""
    mean: float
    gain: float
    """Share of items that it fails and the strongest other solves."""
    coverage: Mapping[str, float | None]
    """By each other's name: share of characters that both tokenizers span alike; None: not known."""
    teaches: tuple[str, ...]
    """The slices that it was chosen to teach."""
    solves: Mapping[str, int]
    """By slice: items that the target fails and it solves; empty for the target."""
    parameters: int
    seconds_per_token: float | None


@dataclass(frozen=True)
class Run:
    """One training run; a metric that was not known at a step is None."""

    name: str
    steps: tuple[int, ...]
    metrics: Mapping[str, tuple[float | None, ...]]
    last: int
    """The last step that was done."""


@dataclass(frozen=True)
class FusionView:
    """All that the store has of one fusion."""

    target: str
    contestants: tuple[Contestant, ...]
    """The target first, then its sources."""
    families: Mapping[str, tuple[str, ...]]
    """By study, or `on its own`: the names of its contestants."""
    reason: str
    overridden: bool
    """Whether target or sources were named by a person."""
    warnings: tuple[str, ...]
    runs: tuple[Run, ...]
    before: Row | None
    """The unfused target, as leaderboards have it; None before it was judged."""
    after: tuple[Row, ...]
    """What was fused and judged, the best first."""
    merge_study: str | None
    """The study that searched over the fused models, if one did."""


def fusion_view(store: StudyStore, study: str) -> FusionView | None:
    """What there is of a fusion; None for a study that is none. Raises StudyNotFound."""
    number = store.study(study)
    said = store.selection(number)
    if said is None or "rows" not in said:
        return None
    rows = [row for row in build_leaderboard(store, study) if row.holdout_mean is not None]
    contestants = tuple(_contestants(said))
    homes = dict.fromkeys(each.study or ALONE for each in contestants)
    merged = f"{study}-merge"
    return FusionView(
        target=str(said.get("target_name", said.get("target", ""))),
        contestants=contestants,
        families={
            home: tuple(each.name for each in contestants if (each.study or ALONE) == home) for home in homes
        },
        reason=str(said.get("reason", "")),
        overridden=bool(said.get("overridden", False)),
        warnings=tuple(map(str, said.get("warnings", ()))),  # type: ignore[arg-type]
        runs=tuple(_runs(store.training(number))),
        before=next((row for row in rows if row.digest == said.get("target")), None),
        after=tuple(row for row in rows if row.kind == "fused"),
        merge_study=merged if merged in {each.name for each in store.studies()} else None,
    )


def _contestants(said: Mapping[str, Any]) -> Iterable[Contestant]:
    rows = said["rows"]
    target = next((row for row in rows if row["role"] == "target"), None)
    solved = {} if target is None else target["complementarity"]
    for row in rows:
        yield Contestant(
            name=row["name"],
            study=row["study"],
            kind=row["kind"],
            digest=row["digest"],
            role=row["role"],
            reason=row["reason"],
            holdout={name: Accuracy(**score) for name, score in row["holdout"].items()},
            mean=row["mean"],
            gain=row["gain"],
            coverage=dict(row["coverage"]),
            teaches=tuple(said.get("sources", {}).get(row["name"], ())),
            solves=dict(solved.get(row["name"], {})),
            parameters=row["parameters"],
            seconds_per_token=row["seconds_per_token"],
        )


def _runs(rows: Sequence[TrainingRow]) -> Iterable[Run]:
    for name, of in groupby(rows, key=lambda row: row.run):
        each = list(of)
        kept = thinned(each, MOST_STEPS)
        names = list(dict.fromkeys(name for row in kept for name in row.metrics))
        metrics = {name: tuple(_number(row.metrics.get(name)) for row in kept) for name in names}
        yield Run(name, tuple(row.step for row in kept), metrics, each[-1].step)


def thinned(rows: Sequence[TrainingRow], most: int) -> list[TrainingRow]:
    """At most so many of the rows, evenly spaced, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
