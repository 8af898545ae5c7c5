"""The report as one file for a browser: nothing in it is loaded from anywhere, and nothing in it runs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from merging.recipe import dump_recipe
from studies.report.inline import inline
from studies.report.plots.draw import Picture
from studies.report.ranked import goals_table, judged_table, others_table, standing
from studies.report.report import Report
from studies.report.table import gained, points
from studies.verdicts.paired import Difference

BADGES = {
    "proven": "Proven better",
    "open": "Not proven better",
    "front": "A front, no single best",
    "unjudged": "Not judged yet",
}


def html(report: Report, pictures: Sequence[Picture], without: str | None = None) -> str:
    """The page; `without` says why it has no pictures, where it has none."""
    css = files("studies.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    template = _environment().get_template("report.html.j2")
    return template.render(
        report=report,
        badge=BADGES[report.standing],
        tiles=[_tile(title, gain) for title, gain in standing(report.best)] if report.best else [],
        tables=[table for table in _tables(report) if table is not None],
        pictures={each.kind: each for each in pictures},
        svg={each.kind: _inlined(each) for each in pictures if each.svg is not None},
        without=without,
        recipe=None if report.recipe is None else dump_recipe(report.recipe),
        css=Markup(css),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )


def _tables(report: Report) -> list[object]:
    return [judged_table(report.rows), goals_table(report.rows), others_table(report.rows)]


def _tile(title: str, gain: Difference) -> tuple[str, str, str, int]:
    """What a tile says: of whom, how much, how sure, and by how many items."""
    return title, points(gain.mean), gained(gain.low, gain.high), gain.n


def _inlined(picture: Picture) -> Markup:
    assert picture.svg is not None
    # Safe: shapes and text that the serializer escaped.
    return Markup(inline(picture.svg, picture.kind, f"{picture.title}. {picture.reading}"))


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("studies.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
