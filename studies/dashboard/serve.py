"""`crucible dashboard`: the pages served by themselves, until a signal ends the process."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from studies.dashboard.app import dashboard
from studies.dashboard.exporting import Exporter
from studies.dashboard.pages.study import read_study
from studies.dashboard.soon import warm
from studies.store import ReadOnlyStore

FAREWELL_S = 2
"""For requests under way when the server ends; whoever watches events would never go."""


def serve(
    storage: str,
    listening: socket.socket,
    host: str,
    token: str | None,
    ready: Callable[[], None],
    exporter: Exporter | None = None,
) -> None:
    """Answer browsers on a socket that listens already; `ready` is called when a store is open.

    `exporter` writes what only whoever opens the models can write.

    Raises:
        StorageError: there is no store there, or it can't be read; none is made.
    """
    with ReadOnlyStore(storage) as store:
        app = dashboard(store, token=token, host=host, exporter=exporter)
        warm(app.state.here, read_study)
        ready()
        answer(app, listening)


def answer(app: Starlette, listening: socket.socket) -> bool:
    """Serve an application until a signal, on a socket that listens; returns whether it could begin."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FAREWELL_S,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    return server.started
