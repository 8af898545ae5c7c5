"""What candidates reached of a study's goals, as a table under the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from search.showing.goals import worth_of
from studies.verdicts.leaderboard import Row
from studies.verdicts.reached import Reached

UNJUDGED = 5
"""Rows of candidates without a holdout score that it shows."""
UNITS = {
    "accuracy": "%",
    "gold_logprob": "%; in brackets log-probability",
    "worst_slice": "% of the best expert",
    "tokens": "fewer are better",
}


def goals_table(rows: Sequence[Row], study: str) -> Table | None:
    """Each goal on holdout (in brackets: search) items with its 95% interval; None where accuracy says all.

    All judged candidates are in it, and a few of the others: of several objectives, those on the front.
    """
    known = [(row.name, row.reached) for row in rows if row.reached is not None]
    if not known:
        return None
    judged = [(name, each) for name, each in known if each.holdout is not None]
    others = [(name, each) for name, each in known if each.holdout is None and each.search_front is not False]
    goals = known[0][1].goals
    several = len(goals) > 1
    title = f"{study}: {'objectives' if several else 'objective'}{_items(judged)}"
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("candidate", *(["front"] if several else [])):
        table.add_column(name, no_wrap=True)
    for goal in goals:
        table.add_column(f"{goal.name} ({UNITS[goal.kind]}) [95%]", justify="right")
    for name, each in (*judged, *others[:UNJUDGED]):
        table.add_row(name, *([_front(each)] if several else []), *_cells(each))
    return table


def _items(judged: Sequence[tuple[str, Reached]]) -> str:
    items = max((worth.n for _, each in judged for worth in each.holdout or ()), default=0)
    return f" on {items} holdout items" if items else " on search items"


def _front(reached: Reached) -> str:
    if reached.holdout is not None:
        return "yes" if reached.holdout_front else ""
    return "(yes)" if reached.search_front else ""


def _cells(reached: Reached) -> list[str]:
    if reached.holdout is not None:
        pairs = zip(reached.goals, reached.holdout, strict=True)
        return [worth_of(goal.judged(), worth) for goal, worth in pairs]
    pairs = zip(reached.goals, reached.search or (), strict=True)
    return [f"({worth_of(goal, worth)})" for goal, worth in pairs]
