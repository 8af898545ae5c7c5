import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.errors import EvaluatorsError
from evaluators.score import wilson


def test_wilson_gives_the_published_interval() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3
    found = wilson(81, 263)
    assert (round(found.mean, 4), round(found.low, 4), round(found.high, 4)) == (0.3080, 0.2553, 0.3662)
    assert found.n == 263


def test_an_interval_at_the_edge_is_not_a_point() -> None:
    assert wilson(0, 20).low == 0.0
    assert wilson(0, 20).high == pytest.approx(0.1611, abs=1e-4)
    assert wilson(20, 20).high == 1.0
    assert wilson(20, 20).low < 0.9


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_mean_and_shrinks_with_n(case: tuple[int, int]) -> None:
    correct, n = case
    few, many = wilson(correct, n), wilson(4 * correct, 4 * n)
    assert 0 <= few.low <= few.mean <= few.high <= 1
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_an_accuracy_of_nothing_is_an_error(correct: int, n: int) -> None:
    with pytest.raises(EvaluatorsError, match="score at least one item"):
        wilson(correct, n)
