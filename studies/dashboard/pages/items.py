"""A candidate's answers, one by one, and what it gained and lost against another."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studies.dashboard.here import choice_of, here_of, number_of
from studies.dashboard.pages.choosing import asked, best_of, find, offered
from studies.dashboard.rendering import page
from studies.dashboard.soon import soon
from studies.store.rows import Split
from studies.views.answers import Verdict, Wanted
from studies.views.items import items_page

SIZE = 20
CUT = 1500
"""Characters of a text that stand on a page of many; a page of one item has all."""
ALONE: tuple[Verdict, ...] = ("all", "right", "wrong")
SPLITS = ("", "holdout", "search")


@soon("Items")
def items(request: Request) -> Response:
    """The page."""
    here = here_of(request)
    found = here.study(request)
    name = asked(request, "candidate") or best_of(here, found)
    context: dict[str, Any] = {"study": found, "names": offered(here, found), "cut": CUT, "name": name}
    parts = here.store.slices(found.id)
    context["slices"] = list(dict.fromkeys(part.name for part in parts))
    if name is None:
        return page(request, "items.html", wanted=None, shown=None, entry=None, links={}, **context)
    entry = find(here, found, name)
    wanted = _wanted(request, entry.name)
    if wanted.versus is not None:
        find(here, found, wanted.versus)
    shown = items_page(here.store, found.id, wanted)
    links = {verdict: _link(request, verdict=verdict, start=None, item=None) for verdict in get_args(Verdict)}
    more = {"all_of": _link(request, item=None), "one": _link(request, start=None, item="")}
    steps = {} if shown is None else _steps(request, wanted.offset, shown.total)
    context |= {"wanted": wanted, "entry": entry, "links": links, "steps": steps, **more}
    return page(request, "items.html", shown=shown, **context)


def _wanted(request: Request, candidate: str) -> Wanted:
    versus, item = asked(request, "versus"), request.query_params.get("item", "")
    allowed: tuple[Verdict, ...] = get_args(Verdict) if versus else ALONE
    said = choice_of(request, "split", SPLITS)
    split: Split | None = "holdout" if said == "holdout" else "search" if said == "search" else None
    verdict = request.query_params.get("verdict", "all")
    return Wanted(
        candidate=candidate,
        slice=asked(request, "slice"),
        split=split,
        versus=versus,
        # Without another candidate nothing is gained or lost: whoever takes it away sees all.
        verdict=next((each for each in allowed if each == verdict), "all"),
        offset=number_of(request, "start", 0),
        size=SIZE,
        item=number_of(request, "item", 0) if item else None,
    )


def _steps(request: Request, offset: int, total: int) -> dict[str, str]:
    steps = {}
    if offset > 0:
        steps["Earlier items"] = _link(request, start=str(max(0, offset - SIZE)))
    if offset + SIZE < total:
        steps["Further items"] = _link(request, start=str(offset + SIZE))
    return steps


def _link(request: Request, **changed: str | None) -> str:
    """This page with some of the query changed; None takes a part of it away."""
    query = {**request.query_params, "wait": None, **changed}
    return "?" + urlencode({name: value for name, value in query.items() if value is not None})


ROUTES = (Route("/studies/{study:int}/items", items),)
