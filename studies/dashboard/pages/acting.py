"""What the buttons of the pages do: pause, resume and stop a study, where whoever serves them lets it."""

from __future__ import annotations

from typing import get_args

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from studies.dashboard.control import Action
from studies.dashboard.doors import form_of, place_of
from studies.dashboard.here import Here, here_of


async def act(request: Request) -> Response:
    """Do what a button says, and show the page again that it is on."""
    form = await form_of(request)
    await run_in_threadpool(_act, here_of(request), form.get("action", ""), form.get("name", ""))
    return RedirectResponse(place_of(request, form.get("back", "/")), 303)


def _act(here: Here, action: str, name: str) -> None:
    if here.control is None:
        raise HTTPException(404, "Studies are paused, resumed and stopped where `crucible serve` runs them.")
    for known in get_args(Action):
        if known == action:
            try:
                here.control.act(known, name)
            except ValueError as error:  # of another room: it may name what is not for every eye
                raise HTTPException(409, here.discretion(str(error))) from error
            here.memory.clear()
            return
    raise HTTPException(400, "A button says pause, resume or stop.")


ROUTES = (Route("/act", act, methods=["POST"]),)
