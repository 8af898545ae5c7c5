"""Budgets as people mean them: trials in all, hours from now, and a time at which the verdict is there."""

from __future__ import annotations

import math
import time
from datetime import datetime

import pytest

from search.errors import SearchError
from search.study_file.spec import BudgetSpec
from search.working.terms import Terms, read_until, start_clock, with_end

EVENING = datetime(2026, 11, 27, 22, 30)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("07:00", datetime(2026, 11, 28, 7)),
        ("7:00", datetime(2026, 11, 28, 7)),
        ("23:15", datetime(2026, 11, 27, 23, 15)),
        ("22:30", datetime(2026, 11, 28, 22, 30)),
        ("2026-11-29T07:00", datetime(2026, 11, 29, 7)),
        ("2026-11-29 07:00", datetime(2026, 11, 29, 7)),
    ],
)
def test_a_time_is_the_next_of_its_name_and_a_date_is_that_date(text: str, meant: datetime) -> None:
    assert read_until(text, EVENING) == meant.timestamp()


def test_a_date_may_say_its_time_zone() -> None:
    assert read_until("2026-11-29T07:00+00:00", EVENING) == 1795935600


@pytest.mark.parametrize("text", ["2026-11-27T22:00", "2026-11-27", "2020-01-01T00:00+00:00"])
def test_what_is_past_is_refused(text: str) -> None:
    with pytest.raises(SearchError, match=r"^--until .*: is past \(it is 2026-11-27 22:30 now\); write"):
        read_until(text, EVENING)


@pytest.mark.parametrize("text", ["25:00", "07:61", "soon", "", "7", "07:00:00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SearchError, match=r"is no time; write a time such as 07:00"):
        read_until(text, EVENING)


def test_the_terms_win_over_the_study_files_hours_and_of_two_ends_the_earlier_counts() -> None:
    budget = BudgetSpec(hours=8)
    hour = 3600.0

    def left(**terms: float) -> float:
        return start_clock(Terms(**terms), budget).left / hour  # type: ignore[arg-type]

    assert left() == pytest.approx(8, abs=0.01)
    assert left(hours=2) == pytest.approx(2, abs=0.01)
    assert left(until=time.time() + 3 * hour) == pytest.approx(3, abs=0.01)
    assert left(hours=2, until=time.time() + hour) == pytest.approx(1, abs=0.01)
    assert start_clock(Terms(), BudgetSpec()).left == math.inf


def test_hours_become_a_time_for_those_who_start_later_or_again() -> None:
    terms = with_end(Terms(hours=2, trials=7), BudgetSpec())
    assert terms.hours is None
    assert terms.until == pytest.approx(time.time() + 7200, abs=5)
    assert with_end(Terms(trials=7), BudgetSpec()) == Terms(trials=7)
