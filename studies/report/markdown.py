"""The report in Markdown: for a repository, a pull request, a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from merging.recipe import dump_recipe
from studies.report.page import BADGES
from studies.report.plots.draw import Picture
from studies.report.ranked import goals_table, judged_table, others_table
from studies.report.report import Report
from studies.report.table import Cell, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#])")


def markdown(
    report: Report, pictures: Sequence[Picture], places: Mapping[str, str], without: str | None = None
) -> str:
    """The report; `places` says by kind where each picture lies, relative to it."""
    shown = {each.kind: each for each in pictures}
    sections = (
        _head(report, without),
        _figures(shown, places, "gains", "front"),
        _board(report),
        _figures(shown, places, "slices", "curve", "optimism"),
        _recipe(report),
        _figures(shown, places, "weights"),
        _asked(report),
        _again(report),
    )
    return "\n\n".join(part for section in sections for part in section) + "\n"


def escaped(text: str) -> str:
    """Text as Markdown shows it, in one line, whatever it holds."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.replace("&", "&amp;").split()))


def fenced(text: str, language: str = "") -> str:
    """A block of code, in a fence that the text does not hold."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _head(report: Report, without: str | None) -> Iterator[str]:
    yield f"# {escaped(report.study)}: Crucible report"
    yield escaped(report.question)
    yield f"**{BADGES[report.standing]}.** {escaped(report.verdict)}"
    if report.running:
        yield "*The study is still running.*"
    if report.details:
        yield escaped(report.details)
    if report.decision:
        yield escaped(report.decision)
    if without:
        yield f"*{escaped(without)}*"


def _figures(shown: Mapping[str, Picture], places: Mapping[str, str], *kinds: str) -> Iterator[str]:
    for picture in (shown[kind] for kind in kinds if kind in shown):
        yield f"### {picture.title}"
        yield picture.reading
        if picture.kind in places:
            yield f"![{picture.title}](<{places[picture.kind]}>)"
        else:
            yield f"*No picture: {escaped(picture.missing)}.*"


def _board(report: Report) -> Iterator[str]:
    yield "## Leaderboard"
    tables = [judged_table(report.rows), goals_table(report.rows), others_table(report.rows)]
    for table in filter(None, tables):
        yield f"{escaped(table.title)}."
        yield _table(table)
    if not any(tables):
        yield "Nobody was measured to the end yet."


def _table(table: Table) -> str:
    lines = [_row([_cell(cell) for cell in table.head]), _row(["---", *["---:"] * (len(table.head) - 1)])]
    for line in table.lines:
        first, *numbers = line.cells
        cells = [escaped(f"{first.text} ({first.note})"), *map(_cell, numbers)]
        lines.append(_row([f"**{cells[0]}**", *cells[1:]] if line.foremost else cells))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return escaped(f"{cell.text} {cell.note}".strip())


def _recipe(report: Report) -> Iterator[str]:
    yield "## The recipe"
    if report.recipe is not None and report.best is not None:
        yield f"{escaped(report.best.name)}: {report.recipe.method}, digest `{report.recipe.digest[:12]}`."
        yield fenced(dump_recipe(report.recipe), "yaml")
    elif report.best is not None:
        name = escaped(report.best.name)
        yield f"{name} is a model that learned from others, and no merge: it has no recipe."
    else:
        yield "No merge was found yet."


def _asked(report: Report) -> Iterator[str]:
    yield "## How it was asked"
    yield "\n".join(f"- {word}: {escaped(text)}" for word, text in report.facts)
    if report.items:
        head = ("slice", "task", "scored by", "search items", "holdout items")
        rows = [
            _row([escaped(name), escaped(task), scoring, str(searched or "–"), str(holdout or "–")])
            for name, task, searched, holdout, scoring in report.items
        ]
        yield "\n".join((_row(head), _row(["---", "---", "---", "---:", "---:"]), *rows))


def _again(report: Report) -> Iterator[str]:
    yield "## How to see the same"
    yield fenced("\n".join(report.again.commands), "sh")
    if report.again.study_file:
        yield "`study.yaml`, as the study was when it began (paths of data are relative to its folder):"
        yield fenced(report.again.study_file, "yaml")
    made = ", ".join(f"{name} {number}" for name, number in report.again.versions)
    yield f"This report was made with {escaped(made)}."
