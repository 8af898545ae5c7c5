"""A study's report, or one picture of it, as files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from studies.errors import StudiesError
from studies.report.markdown import markdown
from studies.report.page import html
from studies.report.plots.draw import Picture, draw, draw_all, ensure_kind
from studies.report.plots.style import Form, NoPlots, ensure_plots
from studies.report.report import read_report
from studies.store import StudyStore

ReportForm = Literal["html", "md"]


@dataclass(frozen=True)
class Written:
    """Where a report lies, and why it has no plots, if it has none."""

    path: Path
    without: str | None


def form_of(out: Path | None) -> ReportForm:
    """The format that a file's name means; HTML where there is none."""
    return "md" if out is not None and out.suffix.lower() in (".md", ".markdown") else "html"


def write_report(store: StudyStore, study: str, out: Path, form: ReportForm) -> Written:
    """Write a study's report; Markdown's plots go into a folder of its name beside it.

    Without matplotlib it has no plots. Raises StudyNotFound; StudiesError where it can't be written.
    """
    report = read_report(store, study)
    without, pictures = None, list[Picture]()
    try:
        pictures = draw_all(report, transparent=form == "html")
    except NoPlots as error:
        without = f"the report has no plots: {error}"
    if form == "html":
        save(out, html(report, pictures, without).encode())
        return Written(out, without)
    places = _save_beside(out, pictures)
    save(out, markdown(report, pictures, places, without).encode())
    return Written(out, without)


def write_plot(store: StudyStore, study: str, kind: str, out: Path) -> None:
    """Write one picture, in the format that the file's name ends with.

    Raises StudyNotFound; StudiesError for another ending or kind, where there is nothing to be seen yet or no
    matplotlib, and where the file can't be written.
    """
    ensure_kind(kind)
    form = _image_form(out)
    ensure_plots()
    save(out, draw(read_report(store, study), kind, form))


def _image_form(out: Path) -> Form:
    for form in get_args(Form):
        if out.suffix.lower() == f".{form}":
            return form  # type: ignore[no-any-return]
    raise StudiesError(f"--out {out}: plots are written as .svg or .png; give the file such a name")


def _save_beside(out: Path, pictures: Sequence[Picture]) -> Mapping[str, str]:
    """By kind where a picture lies, as seen from the report."""
    folder = out.with_name(f"{out.stem}-plots")
    drawn = {each.kind: each.svg for each in pictures if each.svg is not None}
    for kind, svg in drawn.items():
        save(folder / f"{kind}.svg", svg)
    return {kind: f"{folder.name}/{kind}.svg" for kind in drawn}


def save(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises StudiesError naming it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # it may never have been there
            temporary.unlink()
        raise StudiesError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
