"""Who is ahead in a study, and what it answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.benchmarks.slices import Slice
from search.racing.cells import Array
from search.running.measure import Bench
from studies.store import StudyStore
from studies.verdicts.scores import full_scores


def leader_of(bench: Bench, slices: Sequence[Slice], study: int, digest: str) -> tuple[str, str] | None:
    """Name and digest of the best other candidate that was asked everything; of equals the earlier."""
    rows = [row for row in bench.store.candidates(study) if row.state == "complete" and row.digest != digest]
    parts = [(bench.key(part), part.scoring, len(part.items)) for part in slices]
    scores = full_scores(bench.store, [row.digest for row in rows], parts)
    best = max(scores.values(), default=None)
    return next(((row.name, row.digest) for row in rows if scores.get(row.digest) == best), None)


def values(bench: Bench, digest: str, part: Slice) -> Array:
    """What a model answered to a slice, in the order of its items: right or wrong, or the gold answer's
    log-probability per token; NaN where it was not asked."""
    key = bench.key(part)
    found = _gold if part.scoring == "gold" else _right
    known = found(bench.store, digest, key)
    return np.array([known.get(item.index, np.nan) for item in part.items])


def _gold(store: StudyStore, digest: str, key: str) -> dict[int, float]:
    return store.logprobs([digest], key)[digest]


def _right(store: StudyStore, digest: str, key: str) -> dict[int, float]:
    return {item: float(correct) for item, correct in store.verdicts([digest], key)[digest].items()}
