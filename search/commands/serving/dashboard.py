"""`crucible dashboard`: pages about the studies of a store."""

from __future__ import annotations

from typing import Annotated

import typer

from search.commands.options import Storage, chosen, resumable, say, typed
from search.commands.serving.serve import Host

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="CRUCIBLE_TOKEN",
        show_envvar=False,
        help="What browsers are asked for; better given as CRUCIBLE_TOKEN in the environment, for others can"
        " read a command line.",
        show_default=False,
    ),
]


def dashboard(
    storage: Storage = None, port: Port = 8643, host: Host = "127.0.0.1", token: Token = None
) -> None:
    """Show the studies of a store in a browser, live; the store is only read.

    See docs/dashboard.md. Inside `crucible serve` the same pages are at /dashboard, and can pause, resume
    and stop studies.
    """
    from search.serving.looking import look

    command = typed() if token is None else typed().replace(token, "…")
    with resumable(command, "The store is as it was"):
        look(
            chosen(storage),
            host,
            port,
            token,
            lambda url: say(f"crucible dashboard at {url} (Ctrl-C ends it)"),
        )
