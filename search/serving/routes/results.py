"""What a study came to: events, leaderboard, items, exports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from search.serving.answers import Json
from search.serving.routes.events import watch
from search.serving.routes.exports import Exporter, Format
from search.serving.routes.views import view_of
from search.serving.service import Here, Name
from search.showing.items import Asked, find_items
from studies.verdicts.leaderboard import build_leaderboard

Trial = Annotated[int | None, Query(ge=0, le=2**31 - 1)]
Said = Annotated[str | None, Query(max_length=200)]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events `candidate`, `study` and `end`.", "content": {"text/event-stream": {}}}
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A recipe or a mergekit config as YAML, a checkpoint as a tar archive.",
        "content": {"application/yaml": {}, "application/x-tar": {}},
    },
    429: {"description": "several exports are being written already"},
}

router = APIRouter(prefix="/studies/{name}", tags=["results"])


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def events(
    name: Name,
    here: Here,
    follow: Annotated[bool, Query(description="Whether to wait for what happens next.")] = True,
) -> Response:
    """Server-sent events: each candidate that began or ended, and each change of the study, up to its end.

    They begin with all that there is already, so whoever was cut off only asks again.
    """
    await run_in_threadpool(view_of, here, name)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(watch(here, name, follow), media_type="text/event-stream", headers=headers)


@router.get("/leaderboard", response_model=list[dict[str, Any]])
def leaderboard(name: Name, here: Here) -> Response:
    """The candidates, best first: what `crucible leaderboard --json` prints."""
    here.begun(name)
    return Json([row.to_json() for row in build_leaderboard(here.store, name)])


@router.get("/items", response_model=list[dict[str, Any]])
def items(
    name: Name,
    here: Here,
    trial: Trial = None,
    candidate: Said = None,
    slice_: Annotated[str | None, Query(alias="slice", max_length=200)] = None,
    split: Literal["search", "holdout"] | None = None,
    versus: Said = None,
    wrong: bool = False,
    limit: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """What a candidate answered to each item: what `crucible items --json` prints, by the same options."""
    here.begun(name)
    asked = Asked(name, trial, candidate, slice_, split, versus, wrong)
    return Json(find_items(here.settings.storage, asked, limit).to_json())


@router.get("/export", response_class=Response, responses=FILES)
async def export(
    request: Request,
    name: Name,
    form: Annotated[Format, Query(alias="format")] = "mergekit",
    trial: Trial = None,
) -> Response:
    """The best candidate or a trial's: its recipe, a config for mergekit, or its checkpoint as a tar."""
    exporter = request.app.state.exporter
    assert isinstance(exporter, Exporter)
    return await exporter.export(name, form, trial)
