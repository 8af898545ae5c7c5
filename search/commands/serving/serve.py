"""`crucible serve`: a queue of studies behind an HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, chosen, resumable, say, typed

Models = Annotated[
    list[Path],
    typer.Option(
        "--models",
        help="Folder that studies may take models and items from, and nothing beside it; may be given several"
        " times.",
        metavar="DIR",
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen at; any other than loopback demands a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="CRUCIBLE_TOKEN",
        show_envvar=False,
        help="What every request must bring as `Authorization: Bearer TOKEN`; better given as CRUCIBLE_TOKEN"
        " in the environment, for others can read a command line.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Worker processes of each study, each with a GPU of its own; by default one for every GPU. Where"
        " there is room, several studies run at a time.",
        show_default=False,
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(help="Place workers on this Ray cluster.", metavar="ADDRESS", show_default=False),
]
AllowHub = Annotated[
    bool, typer.Option("--allow-hub", help="Let studies name models and datasets on the Hugging Face hub.")
]
Folder = Annotated[
    Path, typer.Option(help="The service's own folder, for study files, logs and exports.", metavar="DIR")
]


def serve(
    models: Models,
    host: Host = "127.0.0.1",
    port: Port = 8642,
    token: Token = None,
    workers: Workers = None,
    ray: Ray = None,
    allow_hub: AllowHub = False,
    folder: Folder = Path("crucible-service"),
    storage: Storage = None,
) -> None:
    """Run studies that are submitted, one after another: a queue behind an HTTP API.

    The queue is in the storage and survives the service: started again, it goes on. See docs/service.md.
    """
    from search.serving.admission.model_folders import ModelFolders
    from search.serving.serve import serve as serve_studies
    from search.serving.settings import Settings

    settings = Settings(
        storage=chosen(storage),
        models=ModelFolders.at(models),
        folder=folder.absolute(),
        host=host,
        port=port,
        token=token,
        allow_hub=allow_hub,
        workers=workers,
        ray=ray,
    )
    command = typed() if token is None else typed().replace(token, "…")
    with resumable(command, "Studies under way are queued again"):
        serve_studies(settings, lambda url: say(f"crucible serves at {url} (Ctrl-C ends it)"))
