"""`crucible demo`: the whole job on tiny experts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, resumable, typed


def demo(
    fuse: Annotated[
        bool,
        typer.Option(
            "--fuse",
            help="Search two families of different architectures, and fuse their best into one model"
            " (up to 15 minutes).",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the study store and the results; by default crucible-demo, with --fuse"
            " crucible-demo-fuse.",
            show_default=False,
        ),
    ] = None,
    storage: Storage = None,
) -> None:
    """Search for the best merge of three tiny experts, judge it on holdout items, and export it.

    Writes crucible-demo/ with the study store, the best merge as mergekit's YAML and as a checkpoint.
    With --fuse, two families with different tokenizers are searched, and what the evidence chooses of one
    learns from the other. Run again, it goes on where it stopped.
    """
    with resumable(typed()):
        if fuse:
            from search.fusing.demo import run_fusion_demo

            run_fusion_demo(out or Path("crucible-demo-fuse"), storage)
        else:
            from search.working.demo import run_demo

            run_demo(out or Path("crucible-demo"), storage)
