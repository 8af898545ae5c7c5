"""How pages word numbers, times and states."""

from __future__ import annotations

from datetime import datetime

import pytest

from evaluators.score import wilson
from studies.dashboard import wording
from studies.dashboard.figures import Scale
from studies.objectives.worth import Worth
from studies.verdicts.paired import Difference


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.25, "250 ms"), (2.44, "2.4 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3600, "1 h"),
     (7800, "2 h 10 min"), (86400, "1 d"), (100_000, "1 d 3 h")],
)  # fmt: skip
def test_a_span_is_said_to_its_two_greatest_units(seconds: float | None, said: str) -> None:
    assert wording.span(seconds) == said


def test_numbers_travel_with_their_interval() -> None:
    assert wording.gain(Difference(0.025, -0.001, 0.049, 900)) == "+2.5 [−0.1, +4.9]"
    assert wording.worth(Worth(0.25, 8, 0.0716, 0.5907), "accuracy") == "25.0 % [7.2 to 59.1]"
    assert wording.worth(Worth(-0.5, 8), "gold_logprob") == "−0.500"
    assert wording.worth(Worth(41.26, 8, 40.0, 42.5), "tokens") == "41.3 [40.0 to 42.5]"
    assert wording.ends(wilson(8, 8)) == "67.6–100.0"
    assert (wording.percent(None), wording.points(None), wording.worth(None, "accuracy")) == ("–", "–", "–")


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (999, "999"), (1234, "1.2 k"), (123_456, "123 k"), (2.5e6, "2.5 M"), (3e9, "3.0 G")],
)
def test_large_counts_are_short(value: float, said: str) -> None:
    assert wording.large(value) == said


def test_times_are_utc_for_machines_and_for_people() -> None:
    time = datetime(2026, 11, 27, 21, 50, 3, 123)
    assert wording.stamp(time) == "2026-11-27T21:50:03+00:00"
    assert wording.moment(time) == "2026-11-27 21:50 UTC"
    assert wording.plural(1, "trial") == "1 trial"
    assert wording.plural(1200, "trial") == "1,200 trials"


def test_a_scale_keeps_its_margins_and_can_be_of_one_value() -> None:
    scale = Scale.over([0.2, -0.1], zero=True)
    assert (scale.at(-0.1), scale.at(0.2)) == (4.0, 156.0)
    assert Scale.over([0.5]).at(0.5) == 80.0
