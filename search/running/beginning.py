"""Where a study begins: its starting points, laid down once, and those that an earlier study hands on.

What a study began with stays with it. So one that goes on proposes what it would have proposed, whatever
starting points later versions have, and whether or not the other study has gone on since.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from search.errors import SearchError
from search.proposals.ledger import POINT, Ledger
from search.proposals.starting_points import Point, starting_points
from search.proposals.translation import same_models, translate
from search.running.workshop import Workshop
from studies.store import StudyStore
from studies.verdicts.leaderboard import Row, build_leaderboard

HANDED_ON = 5
"""Trials of another study that a warm start takes over."""
WARM_START = "warm_start"
"""The study's attribute that says from which study it began, and from which of its trials."""


def begin(ledger: Ledger, store: StudyStore, workshop: Workshop, warm_start: str | None) -> None:
    """Lay down the starting points of a study that has no trial yet; a study that has is left as it is.

    Raises:
        SearchError, StudyNotFound: the study began without this warm start, or cannot begin with it.
    """
    if ledger.standing().counts:
        _check_began_so(ledger, workshop.spec.name, warm_start)
        return
    points: list[Point] = starting_points(workshop.space, workshop.spec.budget.trials)
    note: dict[str, Any] = {}
    if warm_start is not None:
        handed_on = dict(_handed_on(store, workshop, warm_start))
        points = [*handed_on.values(), *points]
        note = {WARM_START: {"study": warm_start, "trials": list(handed_on)}}
    ledger.trials.enqueue(points, POINT, note)


def _check_began_so(ledger: Ledger, name: str, warm_start: str | None) -> None:
    if warm_start is None:
        return
    began = ledger.trials.study_attributes().get(WARM_START, {}).get("study")
    if began != warm_start:
        how = "without a warm start" if began is None else f"with the best trials of {began!r}"
        raise SearchError(
            f"--warm-start {warm_start}: study {name!r} has begun already, {how}; leave the option out, or"
            " give the study another name"
        )


def _handed_on(store: StudyStore, workshop: Workshop, other: str) -> Iterator[tuple[int, Point]]:
    """The best trials of the other study that this search space holds, by number, the best first.

    Raises:
        SearchError: it has no trial that was measured, is over other models, or none of its trials is here.
    """
    if other == workshop.spec.name:
        raise SearchError(f"--warm-start {other}: a study cannot begin with its own trials; name another one")
    store.study(other)
    rows = _measured(build_leaderboard(store, other))
    if not rows:
        raise SearchError(f"--warm-start {other}: no trial of it was measured yet; run it first")
    space, names, found = workshop.space, list(workshop.base.tensors), 0
    if (stray := same_models(store.recipe(rows[0].digest), space)) is not None:
        raise SearchError(f"--warm-start {other}: {stray}; name a study over the same models")
    for row in rows:
        point = translate(store.recipe(row.digest), space, names)
        if point is not None and row.trial is not None and found < HANDED_ON:
            found += 1
            yield row.trial, point
    if not found:
        raise SearchError(
            f"--warm-start {other}: none of its trials lies in this search space, whose"
            f" {_told(space.spec.methods)}; search its methods, with the same flags"
        )


def _measured(rows: list[Row]) -> list[Row]:
    """Distinct trials that were asked every search item, by their mean over slices; of equals the earlier."""
    trials = [row for row in rows if row.kind == "trial" and row.trial is not None and row.search]
    asked = max((sum(score.n for score in row.search.values()) for row in trials), default=0)
    whole = [row for row in trials if sum(score.n for score in row.search.values()) == asked]
    ranked = sorted(whole, key=lambda row: (-fmean(s.mean for s in row.search.values()), row.trial or 0))
    first = {row.digest: row for row in reversed(ranked)}
    return [row for row in ranked if first[row.digest] is row]


def _told(methods: tuple[str, ...]) -> str:
    return f"{'method is' if len(methods) == 1 else 'methods are'} {', '.join(methods)}"
