"""Rows of frames, as dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from evaluators.score import Accuracy
from studies.objectives.goals import Goals
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.patience import patient
from studies.store.rows import Split
from studies.store.schema import holds, workers
from studies.verdicts.leaderboard import Row
from studies.verdicts.paired import Difference
from studies.views.entries import Entry
from studies.views.scored import Scored
from studies.views.trials import TrialView

ANSWERS = (
    *("candidate", "kind", "trial", "slice", "split", "item", "correct", "extracted", "tokens"),
    *("seconds", "logprob", "prompt_hash", "measured_at", "text"),
)
"""The columns of single answers."""
SPLITS: tuple[Split, ...] = ("search", "holdout")


def of_trials(row: TrialView, goals: Goals, at_work: Mapping[str, str]) -> dict[str, Any]:
    """One trial."""
    return {
        "number": row.number,
        "state": row.state,
        **_worths(row, goals),
        "estimate": row.estimate,
        "items": row.asked,
        "seconds": row.seconds,
        "worker": at_work.get(row.name),
        "started": row.began_at,
        "finished": row.ended_at,
        "failure": row.failure,
        "reason": row.reason,
        "digest": row.digest,
    }


def _worths(row: TrialView, goals: Goals) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for i, goal in enumerate(goals):
        worth = None if row.worths is None else row.worths[i]
        own = f".{goal.name}" if len(goals) > 1 else ""
        found[f"score{own}"] = None if worth is None else worth.value
        found[f"low{own}"] = None if worth is None else worth.low
        found[f"high{own}"] = None if worth is None else worth.high
    return found


@patient
def workers_of_trials(store: StudyStore, study: int) -> dict[str, str]:
    """By a trial's name, the worker that is at it: its host and its process's number."""
    columns = select(holds.c.name, workers.c.host, workers.c.pid).join_from(holds, workers)
    which = (holds.c.study_id == study, holds.c.stage == "trials", workers.c.state == "working")
    with reading(store.engine) as connection:
        return {name: f"{host}:{pid}" for name, host, pid in connection.execute(columns.where(*which))}


def of_scores(found: Scored, entry: Entry) -> Iterator[dict[str, Any]]:
    """What one candidate scored, slice by slice."""
    for split in SPLITS:
        scores = found.scores(entry.digest, split)
        for part in found.parts(split):
            if (score := scores.get(part.name)) is None:
                continue
            bounds = (score.low, score.high) if isinstance(score, Accuracy) else (None, None)
            yield {
                "candidate": entry.name,
                "kind": entry.kind,
                "trial": entry.trial,
                "slice": part.name,
                "split": split,
                "scoring": part.scoring,
                "score": score.mean,
                "n": score.n,
                "low": bounds[0],
                "high": bounds[1],
                "complete": score.n >= part.n,
                "digest": entry.digest,
            }


def gains(row: Row) -> dict[str, Any]:
    """One candidate of the leaderboard."""
    compared = {
        "vs_base": row.vs_base,
        "vs_best_expert": row.vs_best_expert,
        "vs_uniform": row.vs_uniform,
        "vs_best_model": row.vs_best_model,
        "vs_target": row.vs_target,
    }
    told: dict[str, Any] = {"candidate": row.name, "kind": row.kind, "trial": row.trial}
    told |= {"holdout_mean": row.holdout_mean, "holdout_items": row.holdout_items}
    for name, difference in compared.items():
        told |= _interval(name, difference)
    told |= {f"holdout.{name}": score.mean for name, score in row.holdout.items()}
    told |= {f"search.{name}": score.mean for name, score in row.search.items()}
    return {**told, "proven": row.proven, "study": row.study, "digest": row.digest}


def _interval(name: str, difference: Difference | None) -> dict[str, float | None]:
    if difference is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: difference.mean, f"{name}_low": difference.low, f"{name}_high": difference.high}
