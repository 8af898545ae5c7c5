"""One study: its verdict, how far it is, the best so far, who leads, where time goes, trials as they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studies.dashboard import figures
from studies.dashboard.here import Here, here_of, number_of
from studies.dashboard.live import Part, news, part, poll
from studies.dashboard.memory import Same
from studies.dashboard.pages.feed import Feed, feed_of, fresh_rows
from studies.dashboard.rendering import page, render
from studies.dashboard.soon import soon
from studies.store.rows import AT_WORK, StudySummary
from studies.verdicts.leaderboard import Row, build_leaderboard, conclusion
from studies.views.curve import Curve, CurvePoint, curves
from studies.views.spent import Spent, spent
from studies.views.studies import StudyView, one_study

OTHERS_SHOWN = 5
"""Rows of candidates without a holdout score that the leaderboard shows."""


@dataclass(frozen=True)
class Read:
    """What the page is made of; each part is kept until something happened to it."""

    view: Same[StudyView]
    rows: Same[list[Row]]
    spent: Same[Spent]
    curves: Same[tuple[Curve, ...]]
    feed: Same[Feed]


@soon("Study")
def study(request: Request) -> Response:
    """The page."""
    found, read = here_of(request).study(request), _read(request)
    parts = _parts(request, found, read)
    feed = read.feed.value
    return page(
        request,
        "study.html",
        study=read.view.value,
        parts={each.id: each.html for each in parts},
        curves=read.curves.value,
        feed=feed,
        poll=poll(request, _live(found), parts, _busy(read), **feed.cursor()),
    )


def live(request: Request) -> Response:
    """What is new on it: the parts that changed, the trials that began or ended."""
    found, read = here_of(request).study(request), _read(request)
    feed = read.feed.value
    rows = fresh_rows(request, feed, read.view.value)
    return news(request, _live(found), _parts(request, found, read), _busy(read), rows, **feed.cursor())


def curve(request: Request) -> Response:
    """The points of trials that ended, by goal and column, from `after` on."""
    after = number_of(request, "after", -1, least=-1)
    found = _read(request).curves.value
    return JSONResponse([_columns(each, [p for p in each.points if p.number > after]) for each in found])


def _live(found: StudySummary) -> str:
    return f"/studies/{found.id}/live"


def _busy(read: Read) -> bool:
    return bool(read.view.value.workers)


def _read(request: Request) -> Read:
    here = here_of(request)
    found = here.study(request)
    return read_study(here, found.name, found.id)


def read_study(here: Here, name: str, study: int) -> Read:
    """What its page is made of; read again only of what happened since."""
    version = here.versions.of(here.store, study)
    # While finalists are judged, answers come in that change nothing else.
    told = (version.trials, here.versions.unsaid() if version.state == "judging" else None)
    # Whoever works on it may be killed without a word.
    key, unsaid = (study, version.state), here.versions.unsaid() if version.state in AT_WORK else None
    of, store, tallies = here.memory.of, here.store, here.tallies
    return Read(
        of(("view", *key), (version, unsaid), lambda: Same(one_study(store, tallies, name))),
        of(("rows", *key), told, lambda: Same(build_leaderboard(store, name))),
        of(("spent", *key), version.trials, lambda: Same(spent(store, tallies, study))),
        of(("curves", *key), version.trials, lambda: Same(curves(store, tallies, study))),
        of(("feed", *key), version.trials, lambda: Same(feed_of(here, study))),
    )


def _parts(request: Request, found: StudySummary, read: Read) -> list[Part]:
    def made(name: str, version: Any, **context: Any) -> Part:
        def make() -> Markup:
            return render(request, f"parts/{name}.html", study=read.view.value, **context)

        return part(request, name, found.id, version, make)

    rows = read.rows.value
    judged = [row for row in rows if row.holdout_mean is not None]
    others = [row for row in rows if row.holdout_mean is None]
    slices = list(dict.fromkeys(name for row in rows for name in row.search))
    shown = others[:OTHERS_SHOWN]
    return [
        made("verdict", (read.rows, read.view.value.state), verdict=_verdict(read)),
        made("summary", (read.view, read.spent), savings=read.spent.value.savings),
        made(
            "leaderboard",
            read.rows,
            slices=slices,
            gains=figures.gains([*judged, *shown]),
            judged=judged,
            others=shown,
            hidden=len(others) - len(shown),
        ),
        made("optimism", read.rows, **_optimism(rows, judged, slices)),
        made("time", read.spent, stretches=figures.stretches(read.spent.value), spent=read.spent.value),
    ]


def _verdict(read: Read) -> str:
    view, rows = read.view.value, read.rows.value
    if not view.trials and not any(row.holdout_mean is not None for row in rows):
        return "No trial has finished yet, so there is nothing to compare."
    return conclusion(rows)


def _optimism(rows: Sequence[Row], judged: Sequence[Row], slices: Sequence[str]) -> dict[str, Any]:
    promises = figures.promises(judged, slices)
    ends = [value for each in promises for value in (each.search, each.holdout)]
    winner = next((row.winner for row in rows if row.winner is not None), None)
    return {"promises": promises, "scale": figures.Scale.over(ends) if ends else None, "winner": winner}


def _columns(found: Curve, points: Sequence[CurvePoint]) -> dict[str, Any]:
    def rounded(name: str) -> list[float | None]:
        values = [getattr(point, name) for point in points]
        return [None if value is None else round(value, 5) for value in values]

    names = ("score", "low", "high", "estimate", "best")
    return {
        "goal": found.goal.name,
        "kind": found.goal.kind,
        "number": [point.number for point in points],
        "n": [point.n for point in points],
        **{name: rounded(name) for name in names},
        "failed": [point.number for point in points if point.state == "failed"],
        "baselines": {name: round(worth.value, 5) for name, worth in found.baselines.items()},
    }


ROUTES = (
    Route("/studies/{study:int}", study),
    Route("/studies/{study:int}/live", live),
    Route("/studies/{study:int}/curve.json", curve),
)
