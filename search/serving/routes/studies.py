"""Submitting studies, and saying what shall become of them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from search.serving.admission.admit import Rules, examine
from search.serving.admission.study_text import MOST_BYTES
from search.serving.refusals import Refused
from search.serving.routes.views import StudyView, view_of, views
from search.serving.service import Here, Name, Service
from search.working.terms import read_until
from studies.errors import StudyNotFound
from studies.store.rows import AT_WORK
from studies.workers.wishes import ask

TYPES = ("application/yaml", "application/x-yaml", "text/yaml")
"""None of them a web page may send to another site without being asked."""
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {TYPES[0]: {"schema": {"type": "string", "description": "A study file."}}},
    }
}

router = APIRouter(tags=["studies"])


@router.post("/studies", status_code=201, openapi_extra=BODY)
async def submit_study(
    request: Request,
    response: Response,
    here: Here,
    trials: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    hours: Annotated[float | None, Query(gt=0, le=100_000, allow_inf_nan=False)] = None,
    until: Annotated[str | None, Query(max_length=40)] = None,
    anyway: bool = False,
) -> StudyView:
    """Queue a study: its file is the body, the options are those of `crucible run`.

    Paths in the file are as seen from the service's model folders. A study that ended may be submitted again,
    and goes on; one that waits or runs may not.
    """
    options = {"trials": trials, "hours": hours, "until": until, "anyway": anyway or None}
    if until is not None:
        read_until(until)  # raises for a time that is past, or none
    body = await _body(request)
    given = {name: value for name, value in options.items() if value is not None}
    view = await run_in_threadpool(_submit, here, body, given)
    response.headers["Location"] = f"/studies/{quote(view.name)}"
    return view


def _submit(here: Service, body: bytes, options: dict[str, Any]) -> StudyView:
    text, spec = examine(body, Rules(here.settings.models, here.settings.allow_hub))
    here.queue.add(spec.name, text, options)
    return view_of(here, spec.name)


async def _body(request: Request) -> bytes:
    """What was sent, no more of it being held than is allowed."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in TYPES:
        raise Refused(415, f"a study file is sent as Content-Type: {TYPES[0]}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refused(413, f"a study file has at most {MOST_BYTES} bytes")
    return bytes(body)


@router.get("/studies")
def list_all(here: Here) -> list[StudyView]:
    """Every study of the storage and of the queue."""
    return views(here)


@router.get("/studies/{name}")
def one(name: Name, here: Here) -> StudyView:
    """One study: its state, and how many trials are done."""
    return view_of(here, name)


@router.post("/studies/{name}/pause")
def pause(name: Name, here: Here) -> StudyView:
    """Have a study's workers wait; they notice between two batches."""
    view = view_of(here, name)
    study = here.study(name)
    if study is None or view.state not in (*AT_WORK, "queued", "paused"):
        raise Refused(409, f"study {name!r} is {view.state}: only one at work can pause")
    ask(here.store, study, "pause")
    return view_of(here, name)


@router.post("/studies/{name}/resume")
def resume(name: Name, here: Here) -> StudyView:
    """Have a study go on that was paused, or queue one again that ended, failed or was stopped."""
    view = view_of(here, name)
    if view.state in (*AT_WORK, "paused"):
        ask(here.store, here.begun(name), None)
    elif view.state not in ("queued", "starting"):
        try:
            here.queue.again(name)
        except StudyNotFound:
            raise Refused(409, f"study {name!r} was not submitted here: submit its file") from None
    return view_of(here, name)


@router.post("/studies/{name}/stop")
def stop(name: Name, here: Here) -> StudyView:
    """End a study; everything measured is kept, and it may be resumed."""
    view = view_of(here, name)
    if here.queue.remove(name):
        return view_of(here, name)
    if view.state in (*AT_WORK, "paused"):
        ask(here.store, here.begun(name), "stop")
    elif not here.queue.end_run(name):
        raise Refused(
            409, f"study {name!r} is {view.state}: only one that waits or is at work can be stopped"
        )
    return view_of(here, name)
