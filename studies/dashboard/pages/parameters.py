"""Which numbers of a search matter, by layer group and module, worked out beside the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studies.dashboard.here import Here, here_of, number_of
from studies.dashboard.live import Part, news, part, poll
from studies.dashboard.pictures.heat import cell, scale_of
from studies.dashboard.rendering import page, render
from studies.objectives.goals import goals_of
from studies.store.rows import StudySummary
from studies.views.importance import LEAST_TRIALS, Importances, importances, shares
from studies.views.parameters import count_scored, drawn, experts_of

TOP = 15
_LAYERS = re.compile(r"^(layers?)(\d+)(?:-(\d+))?$")
EVERY = 20
"""Trials after which importances are worked out anew; while a study is small, every so many of a hundred."""


@dataclass(frozen=True)
class Found:
    """What came of working it out."""

    importances: Importances | None
    trials: int
    """With a value."""


def parameters(request: Request) -> Response:
    """The page."""
    found, goal, made, ready = _made(request)
    return page(
        request,
        "parameters.html",
        study=found,
        part=made.html,
        poll=poll(request, _path(found), [made], not ready, goal=str(goal)),
        command=f"optuna-dashboard {here_of(request).store.engine.url!r} --port 8080",
    )


def live(request: Request) -> Response:
    """What is new on it."""
    found, goal, made, ready = _made(request)
    return news(request, _path(found), [made], not ready, goal=str(goal))


def _path(found: StudySummary) -> str:
    return f"/studies/{found.id}/parameters/live"


def _made(request: Request) -> tuple[StudySummary, int, Part, bool]:
    here = here_of(request)
    found = here.study(request)
    goals = goals_of(here.store.identity(found.id))
    goal = number_of(request, "goal", 0, most=len(goals) - 1)
    trials = count_scored(here.store, found.name)
    known = _found(here, found, goal, trials) if trials >= LEAST_TRIALS else Found(None, trials)

    def make() -> Markup:
        context = _context(known) if known is not None else {"state": "working", "trials": trials}
        return render(
            request,
            "parts/importances.html",
            study=found,
            goals=goals,
            goal=goal,
            least=LEAST_TRIALS,
            **{**_NOTHING, **context},
        )

    # Another key when it is known: memory gives what took long to make out for a while.
    key, version = (found.id, goal, known is None), (trials, None if known is None else known.trials)
    made = part(request, "importances", key, version, make)
    return found, goal, made, known is not None


_NOTHING: dict[str, Any] = {
    "shares": {},
    "top": [],
    "table": None,
    "best": 0,
    "above": 0,
    "numbers": 0,
    "worded": str,
}


def _context(known: Found) -> dict[str, Any]:
    said = known.importances
    if said is None:
        return {"state": "few", "trials": known.trials}
    above = [each for each in said.each if each.stands_out]
    return {
        "state": "known" if above else "nothing",
        "trials": said.trials,
        "best": said.best,
        "above": len(above),
        "numbers": len(said.each),
        "shares": {
            of: {worded(name): share for name, share in by.items()} for of, by in shares(said).items()
        },
        "top": above[:TOP],
        "worded": worded,
        "table": _table(said),
    }


def _table(said: Importances) -> dict[str, Any]:
    """Layer groups by modules, as percent."""
    parts, modules, cells = said.table()
    most = max(cells.values(), default=0.0) or 1.0

    def written(value: float | None) -> tuple[str, str]:
        if value is None:
            return "–", "none"
        return f"{100 * value:.0f} %", cell(value, most, signed=False).shade

    rows = [(worded(name), [written(cells.get((name, module))) for module in modules]) for name in parts]
    scale = [(f"{100 * most * i / 4:.0f} %", each.shade) for i, each in enumerate(scale_of(most, False))]
    return {"modules": modules, "rows": rows, "scale": scale}


def worded(part: str) -> str:
    """`layers 0–7` for `layers0-7`."""
    return _LAYERS.sub(lambda found: f"{found[1]} {found[2]}{f'–{found[3]}' if found[3] else ''}", part)


def _found(here: Here, study: StudySummary, goal: int, trials: int) -> Found | None:
    """What is known, of these trials or of a few less; None while it is being worked out."""
    every = min(EVERY, max(1, trials // 10))
    return here.works.of(("importances", study.id, goal), trials // every, _work(here, study, goal, trials))


def _work(here: Here, study: StudySummary, goal: int, trials: int) -> Callable[[], Found]:
    def work() -> Found:
        table = drawn(here.store, study.id)
        if table is None or not table.names:
            return Found(None, trials)
        experts = experts_of(here.store.identity(study.id))
        return Found(importances(table, goal, experts), trials)

    return work


ROUTES = (
    Route("/studies/{study:int}/parameters", parameters),
    Route("/studies/{study:int}/parameters/live", live),
)
