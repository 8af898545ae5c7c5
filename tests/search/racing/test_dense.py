from __future__ import annotations

import numpy as np
import pytest

from search.racing.cells import Asked
from search.racing.dense import chance, student


@pytest.mark.parametrize(
    ("t", "freedom", "below"), [(0, 3, 0.5), (-2.131847, 4, 0.05), (-2.485107, 25, 0.01), (1.0, 1, 0.75)]
)
def test_students_t(t: float, freedom: float, below: float) -> None:
    """From the tables."""
    assert student(t, freedom) == pytest.approx(below, abs=1e-5)


def test_of_too_few_differences_nothing_is_said() -> None:
    incumbent = np.zeros(20)
    candidate = np.full(20, np.nan)
    candidate[:3] = -1 - np.arange(3)
    assert chance([Asked(incumbent, candidate)]) == 1.0


def test_what_is_known_in_full_is_no_matter_of_chance() -> None:
    assert chance([Asked(np.zeros(5), np.linspace(-0.5, 0.1, 5))]) == 0.0
