"""What a person sees of a search: best so far, pace and time left, on a terminal and in a log."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from search.showing.display import Display, clock
from search.showing.step import Step

STEPS = (
    Step("trials", 1, 3, "trial 0", 0.25),
    Step("trials", 2, 3, "trial 1", None, "model.norm.weight: 3 of 128 merged numbers are NaN or Inf"),
    Step("trials", 3, 3, "trial 2", 0.5),
)


def shown(*, terminal: bool) -> str:
    out = StringIO()
    Display(Console(file=out, force_terminal=terminal, width=110)).follow(STEPS)
    return out.getvalue()


def test_a_log_has_a_line_per_candidate() -> None:
    lines = shown(terminal=False).splitlines()
    assert len(lines) == 3
    assert "trial 0" in lines[0]
    assert "25.0" in lines[0]
    assert "/min" in lines[0]
    assert "left" in lines[0]
    assert "failed: model.norm.weight" in lines[1]
    assert "best 50.0 (trial 2)" in lines[2]


def test_a_terminal_shows_the_best_so_far_and_every_failure() -> None:
    out = shown(terminal=True)
    assert "best 50.0 (trial 2)" in out
    assert "3/3" in out
    assert "trial 1 failed: model.norm.weight" in out


def test_a_terminal_shows_the_last_candidates_in_a_table() -> None:
    steps = [Step("trials", n + 1, 12, f"trial {n}", n / 20, seconds=61.0) for n in range(12)]
    steps.append(Step("trials", 12, 12, "trial 12", None, "[bold]behind[/bold]", pruned=True))
    out = StringIO()
    Display(Console(file=out, force_terminal=True, width=110)).follow(steps)
    last = out.getvalue().rpartition("candidate")[2]
    rows = [line.split("│") for line in last.splitlines() if "│" in line]
    assert len(rows) == 8
    assert "trial 5" in last
    assert "trial 4 " not in last
    assert "best so far" in last
    assert "[bold]behind[/bold]" in last
    assert "1:01" in last


def test_holdout_scores_are_no_best_so_far() -> None:
    out = StringIO()
    Display(Console(file=out)).follow([Step("holdout", 1, 1, "base", 0.9)])
    assert "best -" in out.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3725, "1:02:05"), (-3, "0:00")])
def test_a_clock_reads_as_clocks_do(seconds: float, text: str) -> None:
    assert clock(seconds) == text
