"""`crucible plot`: one picture of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, StudyName, chosen

KINDS = "gains|front|curve|optimism|slices|weights"


def plot(
    study: StudyName,
    kind: Annotated[
        str,
        typer.Option(
            help="gains: the best merge against each baseline; front: several objectives; curve: the best so"
            " far; optimism: search against holdout score; slices: slice by slice; weights: a heat map of the"
            " best merge.",
            metavar=KINDS,
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write: .svg or .png, replacing what was there.")],
    storage: Storage = None,
) -> None:
    """Draw one picture of a study as SVG or PNG; the same study gives the same bytes.

    Needs matplotlib: pip install 'crucible[plot]'.
    """
    from studies.report.write import write_plot
    from studies.store.readonly import ReadOnlyStore

    with ReadOnlyStore(chosen(storage)) as store:
        write_plot(store, study, kind, out)
    print(f"{study} {kind} -> {out}")
