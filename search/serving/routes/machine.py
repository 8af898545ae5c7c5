"""For whoever looks after the service: is it well, and what does it do."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from search.serving.service import Here
from search.signals.metrics import CONTENT_TYPE, metrics_text
from studies.workers.submissions import submissions

router = APIRouter(tags=["machine"])


class Health(BaseModel):
    """The service and its database answer."""

    status: str
    queued: int
    running: int


@router.get("/healthz")
def healthz(here: Here) -> Health:
    """Whether the service and its database answer, and how many studies wait and run."""
    states = [each.state for each in submissions(here.store)]
    return Health(status="ok", queued=states.count("queued"), running=states.count("running"))


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(here: Here) -> PlainTextResponse:
    """All studies of the storage, for Prometheus."""
    return PlainTextResponse(metrics_text(here.store), headers={"Content-Type": CONTENT_TYPE})
