"""The plan of a fusion as a person reads it: who could be what, who becomes what, and why."""

from __future__ import annotations

from rich.table import Table

from evaluators.score import Accuracy
from search.showing.tables import WIDEST, console
from studies.report.table import percent
from studies.selection.selection import Option, Selection


def show_selection(selection: Selection, fusion: str) -> None:
    """Print the table that the decision rests on, what others solve where the target fails, and why."""
    out = console()
    for table in (options_table(selection, fusion), gaps_table(selection)):
        if not out.is_terminal:
            out.width = max(out.width, out.measure(table, options=out.options.update(width=WIDEST)).maximum)
        out.print(table)
    for row in selection.rows:
        out.print(f"{row.name}: {row.reason}", highlight=False, soft_wrap=True, style=_style(row))
    for warning in selection.warnings:
        out.print(f"warning: {warning}", highlight=False, soft_wrap=True)
    out.print(selection.reason, highlight=False, soft_wrap=True)


def options_table(selection: Selection, fusion: str) -> Table:
    """One row for each model that could be the target or teach it."""
    target = selection.row(selection.target)
    n = sum(score.n for score in target.holdout.values())
    table = Table(
        title=f"{fusion}: accuracy in % [95%] on {n} holdout items that select, and judge nothing afterwards",
        title_justify="left",
        header_style="bold",
    )
    table.add_column("model", no_wrap=True)
    table.add_column("becomes", no_wrap=True)
    numbers = (*target.holdout, "mean", "to gain", "coverage", "parameters", "ms/token")
    for name in numbers:
        table.add_column(name, justify="right")
    for row in selection.rows:
        scores = (*(_interval(score) for score in row.holdout.values()), percent(row.mean), percent(row.gain))
        rest = (_coverage(row, target), _count(row.parameters), _milliseconds(row.seconds_per_token))
        table.add_row(row.name, row.role or "", *scores, *rest, style=_style(row))
    return table


def gaps_table(selection: Selection) -> Table:
    """How many items the target fails that each other model solves, per slice."""
    target = selection.row(selection.target)
    table = Table(
        title=f"items that {target.name} fails and each solves", title_justify="left", header_style="bold"
    )
    table.add_column("model", no_wrap=True)
    for name, score in target.holdout.items():
        table.add_column(f"{name} (of {score.n - round(score.mean * score.n)})", justify="right")
    for row in selection.rows[1:]:
        solved = target.complementarity[row.name]
        table.add_row(row.name, *(str(solved[name]) for name in target.holdout), style=_style(row))
    return table


def _style(row: Option) -> str:
    return "bold" if row.role else ""


def _interval(score: Accuracy) -> str:
    return f"{percent(score.mean)} [{percent(score.low)}, {percent(score.high)}]"


def _coverage(row: Option, target: Option) -> str:
    """Of the target's tokenizer and the row's."""
    share = target.coverage.get(row.name)
    return "-" if share is None else percent(share)


def _count(parameters: int) -> str:
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= size:
            return f"{parameters / size:.3g}{unit}"
    return str(parameters)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.3g}"
