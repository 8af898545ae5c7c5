"""`crucible demo`: the whole job on tiny experts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, resumable, typed


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the study store and the results.")] = Path(
        "crucible-demo"
    ),
    storage: Storage = None,
) -> None:
    """Search for the best merge of three tiny experts, judge it on holdout items, and export it.

    Writes crucible-demo/ with the study store, the best merge as mergekit's YAML and as a checkpoint.
    Run again, it goes on where it stopped.
    """
    from search.running.demo import run_demo

    with resumable(typed()):
        run_demo(out, storage)
