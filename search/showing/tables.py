"""Tables: what a person reads when the work is done."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from evaluators.score import Accuracy, MeanLogprob
from search.showing.goals_table import goals_table
from search.showing.status import StudyLine
from studies.report.table import percent
from studies.verdicts.leaderboard import Row, conclusion
from studies.verdicts.paired import Difference
from studies.workers.at_work import AtWork

WIDEST = 1000
"""Characters: wider than any table."""
UNJUDGED_SHOWN = 5
"""Rows of candidates without a holdout score that a leaderboard shows."""


def console(*, stderr: bool = False) -> Console:
    """A console for a person: as wide as a leaderboard needs where the output is no terminal."""
    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=max(found.width, 120))


def show_leaderboard(rows: Sequence[Row], study: str) -> None:
    """Print the leaderboard and what it proves; all judged candidates, and the best few of the others."""
    judged = [row for row in rows if row.holdout_mean is not None]
    others = [row for row in rows if row.holdout_mean is None]
    out, table = console(), leaderboard_table([*judged, *others[:UNJUDGED_SHOWN]], study)
    for each in filter(None, (table, goals_table(rows, study))):
        if not out.is_terminal:  # a file has room for names in full
            out.width = max(out.width, out.measure(each, options=out.options.update(width=WIDEST)).maximum)
        out.print(each)
    if others:
        hidden = len(others) - UNJUDGED_SHOWN
        more = f"; {hidden} more are in --json" if hidden > 0 else ""
        gold = any(isinstance(score, MeanLogprob) for row in rows for score in row.search.values())
        what = "search items only, never judged" + ("; log-probability of a gold token" if gold else "")
        out.print(f"(in brackets: {what}{more})", style="dim", highlight=False)
    out.print(conclusion(rows), highlight=False, soft_wrap=True)


def leaderboard_table(rows: Sequence[Row], study: str) -> Table:
    """The leaderboard: accuracy on holdout (in brackets: on search) items per slice, and what was gained."""
    slices = list(dict.fromkeys(name for row in rows for name in row.search))
    items = max((sum(score.n for score in row.holdout.values()) for row in rows), default=0)
    table = Table(
        title=f"{study}: accuracy in % on {items} holdout items", title_justify="left", header_style="bold"
    )
    table.add_column("candidate", no_wrap=True)
    for name in (*slices, "mean"):
        table.add_column(name, justify="right", no_wrap=True)
    compared = {
        "base": [row.vs_base for row in rows],
        "best expert": [row.vs_best_expert for row in rows],
        "uniform": [row.vs_uniform for row in rows],
    }
    rarely = {
        "best raw model": [row.vs_best_model for row in rows],
        "target": [row.vs_target for row in rows],
    }
    compared |= {name: gains for name, gains in rarely.items() if any(gain is not None for gain in gains)}
    for name in compared:  # on a narrow terminal these wrap, and nothing is cut off
        table.add_column(f"vs {name} [95%]", justify="right")
    for row, *gains in zip(rows, *compared.values(), strict=True):
        cells = (*_scores(row, slices), *map(_gain, gains))
        table.add_row(row.name, *cells, style="bold" if row is rows[0] else "")
    return table


def _scores(row: Row, slices: Sequence[str]) -> list[str]:
    if row.holdout_mean is None:
        return [f"({_search(row.search[name])})" if name in row.search else "-" for name in slices] + ["-"]
    return [percent(row.holdout[name].mean) for name in slices] + [percent(row.holdout_mean)]


def _search(score: Accuracy | MeanLogprob) -> str:
    return f"{score.mean:.3f}" if isinstance(score, MeanLogprob) else percent(score.mean)


def _gain(difference: Difference | None) -> str:
    if difference is None:
        return "-"
    mean, low, high = (100 * value for value in (difference.mean, difference.low, difference.high))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def show_status(studies: Sequence[StudyLine]) -> None:
    """Print the studies of a store."""
    table = Table(header_style="bold")
    for name in ("study", "state", "trials", "pruned", "failed", "last active (UTC)", ""):
        table.add_column(name, justify="right" if name in ("trials", "pruned", "failed") else "left")
    for each in studies:
        counts = (str(each.trials), str(each.pruned), str(each.failed))
        table.add_row(
            each.name, _state(each), *counts, f"{each.updated_at:%Y-%m-%d %H:%M:%S}", each.reason or ""
        )
    out = console()
    out.print(table if studies else "No studies here yet; start one with `crucible run STUDY.yaml`.")
    for each in studies:
        for worker in each.workers:
            out.print(f"  {each.name}: {worker_line(worker)}", highlight=False, soft_wrap=True)


def _state(each: StudyLine) -> str:
    asked = {"pause": "paused", "stop": "stopping"}
    return f"{each.state} ({asked[each.asked]})" if each.asked in asked and each.workers else each.state


def worker_line(worker: AtWork) -> str:
    """One worker in one line."""
    gpus = f", GPU {','.join(worker.gpus)}" if worker.gpus else ""
    busy = "" if worker.busy is None else f", engine busy {worker.busy:.0%}"
    speed = "" if not worker.tokens_per_second else f", {worker.tokens_per_second:,.0f} tokens/s"
    doing = worker.doing or "between two candidates"
    return f"worker {worker.pid} on {worker.host}{gpus}: {doing}{busy}{speed}"
