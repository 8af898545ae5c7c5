"""The HTTP API as an ASGI application. It is handed its store and its queue, and opens neither."""

from __future__ import annotations

from fastapi import FastAPI

from search.serving.answers import PROBLEMS, answer_errors
from search.serving.discretion import Discretion
from search.serving.guard import Guard
from search.serving.queue import Queue
from search.serving.routes import machine, results, studies
from search.serving.routes.exports import Exporter
from search.serving.service import Service
from search.serving.settings import Settings
from search.serving.steering import Steering
from studies.dashboard.app import dashboard
from studies.store import StudyStore

PAGES = "/dashboard"
"""Where the pages for people are, which ask for the token in a form."""
DESCRIPTION = (
    "Searches for the best merge of language-model experts, one study after another; docs/service.md."
)


def create_app(settings: Settings, store: StudyStore, queue: Queue) -> FastAPI:
    """The service of a store; beginning and ending its queue is for whoever serves it."""
    discretion = Discretion.about((settings.folder, *settings.models.folders))
    service = Service(settings, store, queue, discretion)
    # Its own pages for people would fetch their scripts from elsewhere.
    app = FastAPI(
        title="Crucible",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
    )
    app.state.service, app.state.exporter = service, Exporter(service)
    for part in (studies, results, machine):
        app.include_router(part.router)
    pages = dashboard(
        store,
        token=settings.token,
        host=settings.host,
        control=Steering(service),
        discretion=discretion,
    )
    app.mount(PAGES, pages)
    answer_errors(app, discretion)
    app.add_middleware(Guard, token=settings.token, host=settings.host, but=PAGES)
    return app
