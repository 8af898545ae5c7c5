"""The dashboard as an ASGI application over a store, by itself or mounted below a path."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from studies.dashboard.control import Control
from studies.dashboard.doors import Doors, login_routes
from studies.dashboard.exporting import Exporter
from studies.dashboard.headers import HEADERS, Headers
from studies.dashboard.here import Here, here_of
from studies.dashboard.pages import acting, fusion, items, merge, overview, parameters, slices, study, taking
from studies.dashboard.rendering import STATIC, page
from studies.errors import StorageError, StudiesError, StudyNotFound
from studies.store import StudyStore

PAGES = (
    *overview.ROUTES,
    *study.ROUTES,
    *merge.ROUTES,
    *slices.ROUTES,
    *items.ROUTES,
    *parameters.ROUTES,
    *fusion.ROUTES,
    *taking.ROUTES,
    *acting.ROUTES,
)
"""Every page, by its path; docs/dashboard.md tells of each."""
TITLES = {400: "That cannot be asked", 404: "Not found", 409: "Not now", 503: "The store does not answer"}

logger = logging.getLogger(__name__)


def dashboard(
    store: StudyStore,
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    control: Control | None = None,
    discretion: Callable[[str], str] = str,
    exporter: Exporter | None = None,
) -> Starlette:
    """The pages of a store, which is only read; closing it is for whoever opened it.

    With a token, browsers are asked for it; without, it must be served at a loopback address. `control` does
    what its buttons say, which there are none of without; `discretion` says what is told of a reason,
    and `exporter` writes what only whoever opens the models can write.
    """
    app = Starlette(
        routes=[*PAGES, *(login_routes(token) if token else []), Mount("/static", _Static(directory=STATIC))],
        middleware=[Middleware(Headers), Middleware(Doors, token=token, host=host)],
        exception_handlers={
            HTTPException: _of_http,
            StudiesError: _of_users,
            Exception: _of_ours,
        },
    )
    app.state.here = Here(store, control, discretion, exporter)
    app.state.asks = token is not None
    return app


class _Static(StaticFiles):
    """Static files; one that is asked for by its digest never changes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        by_digest = scope["query_string"].startswith(b"v=")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if by_digest else "no-cache"
        return answer


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    why = "There is no such page." if error.detail == "Not Found" else error.detail
    return _error(request, error.status_code, why)


def _of_users(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, StudyNotFound) else 503 if isinstance(error, StorageError) else 400
    logger.log(logging.WARNING if status == 503 else logging.INFO, "%s: %s", request.url.path, error)
    return _error(request, status, here_of(request).discretion(str(error)))


def _of_ours(request: Request, error: Exception) -> Response:
    answer = page(request, "error.html", status=500, title="This page failed", why="The log says of what.")
    answer.headers.update(HEADERS)  # this is answered outside all else
    return answer


def _error(request: Request, status: int, why: str) -> Response:
    return page(request, "error.html", status=status, title=TITLES.get(status, "Refused"), why=why)
