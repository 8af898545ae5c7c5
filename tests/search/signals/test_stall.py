"""What counts as standing still, by the clock of the one who looks."""

from __future__ import annotations

from search.signals.stall import Stillness


def looks(stillness: Stillness, *seen: tuple[float, object], at_work: bool = True) -> list[float]:
    """The times at which a stall is told of."""
    return [now for now, mark in seen if stillness.see(mark, now, at_work=at_work)]


def test_a_stall_is_told_once_evidence_has_stood_still_for_so_long() -> None:
    assert looks(Stillness(30), *((float(t), 7) for t in range(0, 100, 10))) == [30.0]


def test_new_evidence_begins_the_count_anew_and_a_second_stall_is_told_too() -> None:
    marks = [1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    assert looks(Stillness(30), *((10.0 * t, mark) for t, mark in enumerate(marks))) == [50.0, 90.0]


def test_a_study_that_nobody_works_on_does_not_stall() -> None:
    stillness = Stillness(30)
    assert looks(stillness, (0, 7), (10, 7), (20, 7)) == []
    assert looks(stillness, (30, 7), (60, 7), (90, 7), at_work=False) == []
    assert looks(stillness, (100, 7), (110, 7), (120, 7), (130, 7)) == [120]


def test_time_without_an_answer_from_the_database_does_not_count() -> None:
    stillness = Stillness(30)
    assert looks(stillness, (0, 7), (20, 7)) == []
    stillness.miss()
    assert looks(stillness, (600, 7), (609, 7)) == []
    assert looks(stillness, (610, 7)) == [610]
