"""Long work says how far it is, how fast, and what time is left."""

from __future__ import annotations

import io
import re

from rich.console import Console

from search.showing.stage import Stages


def lines(every: float, *calls: tuple[int, int, str]) -> list[str]:
    """What is printed where there is no terminal."""
    said = io.StringIO()
    with Stages(Console(file=said, width=200), every).stage("extract x", "rows") as advance:
        for done, total, note in calls:
            advance(done, total, note)
    return said.getvalue().splitlines()


def test_each_line_says_progress_throughput_and_time_left() -> None:
    first, last = lines(0.0, (0, 4, ""), (2, 4, "loss 1.5"))
    assert first.startswith("extract x  0/4  0 rows/s")
    assert re.fullmatch(r"extract x  2/4  loss 1.5  \S+ rows/s  \d+:\d\d left", last)


def test_lines_come_now_and_then_and_one_at_the_end() -> None:
    (only,) = lines(60.0, (1, 3, ""), (2, 3, ""), (3, 3, ""))
    assert only.startswith("extract x  3/3")


def test_what_was_done_before_does_not_count_as_speed() -> None:
    (only,) = lines(60.0, (1000, 1000, ""))
    assert "  0 rows/s  0:00 left" in only


def test_a_terminal_has_a_bar() -> None:
    said = io.StringIO()
    stages = Stages(Console(file=said, width=100, force_terminal=True))
    with stages.stage("distil x", "steps") as advance:
        advance(1, 2, "loss 0.5")
        advance(2, 2, "loss 0.25")
    assert "distil x" in said.getvalue()
    assert "2/2" in said.getvalue()
    assert "loss 0.25" in said.getvalue()
