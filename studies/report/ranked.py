"""The leaderboard as tables for readers: each number with its interval and the items that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.score import Accuracy, MeanLogprob
from studies.objectives.goals import ACCURACY, Goal
from studies.objectives.worth import Told, Worth, worths
from studies.report.table import Cell, Line, Table, gained, interval, percent, points
from studies.verdicts.holdout import FOUND
from studies.verdicts.leaderboard import TITLES, Row
from studies.verdicts.paired import Difference

OTHERS = 5
"""Candidates that were never judged, of which the best few are shown."""
NOTHING = Cell("–")


def best_found(rows: Sequence[Row]) -> Row | None:
    """The best merge that the search found: of those judged, else by search items; None before any."""
    found = [row for row in rows if row.kind in FOUND]
    return next((row for row in found if row.holdout_mean is not None), found[0] if found else None)


def mean_worth(scores: Mapping[str, Accuracy | MeanLogprob]) -> Worth | None:
    """The unweighted mean over slices with its 95% interval; None without accuracies."""
    if not scores or any(isinstance(score, MeanLogprob) for score in scores.values()):
        return None
    return worths((ACCURACY,), {name: Told(score) for name, score in scores.items()}, {})[0]


def judged_table(rows: Sequence[Row]) -> Table | None:
    """Everybody who was judged, on holdout items; None where nobody was."""
    judged = [row for row in rows if row.holdout_mean is not None]
    if not judged:
        return None
    sizes = {name: score.n for row in judged for name, score in row.holdout.items()}
    gains = {title: each for title, each in _compared(judged).items() if any(each)}
    head = [Cell("candidate"), *(Cell(name, f"n = {n}") for name, n in sizes.items())]
    head += [Cell("mean", f"n = {sum(sizes.values())}"), *(Cell(f"vs {title}") for title in gains)]
    best = best_found(rows)
    lines = [
        Line(
            (
                Cell(row.name, KINDS[row.kind]),
                *(_accuracy(row.holdout[name]) for name in sizes),
                _mean(row),
                *(_gain(each[i]) for each in gains.values()),
            ),
            row is best,
        )
        for i, row in enumerate(judged)
    ]
    return Table("Holdout items: accuracy in %, with 95% intervals", tuple(head), tuple(lines))


KINDS = {
    "base": "base model",
    "expert": "expert",
    "uniform": "uniform merge",
    "trial": "merge",
    "model": "model as it is",
    "fused": "fused",
}


def others_table(rows: Sequence[Row]) -> Table | None:
    """The best few of those that answered search items alone; None where there are none."""
    others = [row for row in rows if row.holdout_mean is None and row.search][:OTHERS]
    if not others:
        return None
    sizes = {name: 0 for row in others for name in row.search}
    for row in others:
        sizes |= {name: max(sizes[name], score.n) for name, score in row.search.items()}
    gold = any(isinstance(score, MeanLogprob) for row in others for score in row.search.values())
    head = [Cell("candidate"), *(Cell(name, f"n = {n}") for name, n in sizes.items())]
    lines = [
        Line(
            (
                Cell(row.name, KINDS[row.kind]),
                *(_searched(row.search.get(name), n) for name, n in sizes.items()),
            )
        )
        for row in others
    ]
    what = "accuracy in % [95%], or log-probability of a gold token" if gold else "accuracy in % [95%]"
    return Table(f"Search items alone, never judged: {what}", tuple(head), tuple(lines))


def goals_table(rows: Sequence[Row]) -> Table | None:
    """What the judged reached of the study's goals; None where accuracy says all that there is to say."""
    known = [
        (row, row.reached) for row in rows if row.reached is not None and row.reached.holdout is not None
    ]
    if not known:
        return None
    goals = known[0][1].goals
    head = (Cell("candidate"), *(Cell(goal.name, UNITS[goal.judged().kind]) for goal in goals))
    lines = tuple(
        Line(
            (
                Cell(row.name, "on the front" if reached.holdout_front else KINDS[row.kind]),
                *(
                    _worth(goal.judged(), each)
                    for goal, each in zip(goals, reached.holdout or (), strict=True)
                ),
            ),
            bool(reached.holdout_front),
        )
        for row, reached in known
    )
    return Table("The study's objectives on holdout items, with 95% intervals", head, lines)


UNITS = {
    "accuracy": "%",
    "gold_logprob": "log-probability",
    "worst_slice": "% of the best expert",
    "tokens": "tokens an answer",
}


def standing(row: Row) -> list[tuple[str, Difference]]:
    """Whom a merge was compared with, by name, and how far it is above each."""
    pairs = [
        (TITLES["base"], row.vs_base),
        (TITLES["expert"], row.vs_best_expert),
        (TITLES["uniform"], row.vs_uniform),
        (TITLES["model"], row.vs_best_model),
        ("the unfused target", row.vs_target),
    ]
    return [(title, gain) for title, gain in pairs if gain is not None]


def _compared(rows: Sequence[Row]) -> dict[str, list[Difference | None]]:
    return {
        "base": [row.vs_base for row in rows],
        "best expert": [row.vs_best_expert for row in rows],
        "uniform": [row.vs_uniform for row in rows],
        "best raw model": [row.vs_best_model for row in rows],
        "target": [row.vs_target for row in rows],
    }


def _accuracy(score: Accuracy) -> Cell:
    return Cell(percent(score.mean), interval(score.low, score.high))


def _searched(score: Accuracy | MeanLogprob | None, asked: int) -> Cell:
    if score is None:
        return NOTHING
    if isinstance(score, MeanLogprob):
        return Cell(f"{score.mean:.4f}")
    fewer = "" if score.n == asked else f" n = {score.n}"
    return Cell(percent(score.mean), interval(score.low, score.high) + fewer)


def _mean(row: Row) -> Cell:
    found = mean_worth(row.holdout)
    assert found is not None, f"{row.name} was judged by nothing"
    return Cell(percent(found.value), interval(found.low, found.high))


def _gain(gain: Difference | None) -> Cell:
    if gain is None or gain.low == gain.high:  # of one and the same model there is nothing to estimate
        return NOTHING
    return Cell(points(gain.mean), gained(gain.low, gain.high))


def _worth(goal: Goal, worth: Worth) -> Cell:
    if goal.kind == "tokens":
        ends = "" if worth.low is None or worth.high is None else f"[{worth.low:.1f}, {worth.high:.1f}]"
        return Cell(f"{worth.value:.1f}", ends)
    where = f" {worth.slice}" if worth.slice else ""
    return Cell(percent(worth.value), interval(worth.low, worth.high) + where)
