"""`crucible report`: a study as one file to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from search.commands.options import Storage, StudyName, chosen, remark

Format = Literal["html", "md"]


def report(
    study: StudyName,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, replacing what was there; by default report.html or report.md.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="html: one file that opens anywhere, without a network; md: Markdown, its plots in a folder"
            " beside it. By default what --out ends with, else html.",
            show_default=False,
        ),
    ] = None,
    storage: Storage = None,
) -> None:
    """Write a study's report: question, verdict, leaderboard, plots, recipe, and how to see the same.

    A study that still runs gets one, too, and it says so. Plots need matplotlib (the extra `plot`); without
    it the report has none, and says how to get them.
    """
    from studies.report.write import form_of, write_report
    from studies.store.readonly import ReadOnlyStore

    form = form or form_of(out)
    with ReadOnlyStore(chosen(storage)) as store:
        written = write_report(store, study, out or Path(f"report.{form}"), form)
    if written.without:
        remark(f"crucible: {written.without}")
    print(f"{study} -> {written.path}")
