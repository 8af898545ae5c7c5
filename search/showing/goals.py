"""Values of a study's goals as people read them."""

from __future__ import annotations

from math import isnan

from studies.objectives.goals import Goal
from studies.objectives.worth import Worth
from studies.report.table import percent


def value_of(goal: Goal, value: float) -> str:
    """A value in the goal's unit: points of accuracy, or of the best expert's; log-probability; tokens."""
    if isnan(value):
        return "-"
    if goal.kind == "gold_logprob":
        return f"{value:.4f}"
    return f"{value:.1f}" if goal.kind == "tokens" else percent(value)


def worth_of(goal: Goal, worth: Worth) -> str:
    """A value with its 95% interval, where it has one."""
    said = value_of(goal, worth.value)
    if worth.low is None or worth.high is None:
        return said
    return f"{said} [{value_of(goal, worth.low)}, {value_of(goal, worth.high)}]"
