"""Races of simulated pairs: how many winners are stopped, how many items that saves, what is then learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from search.racing.blocks import cut
from search.racing.cells import Array
from search.racing.race import Finish, Rules, run

RULES = Rules()
EQUAL, UNEQUAL = (64, 64, 64), (50, 150)


def pairs(rng: np.random.Generator, sizes: Sequence[int], wins: float, losses: float) -> list[list[Array]]:
    """Incumbent and candidate: the incumbent has 60% right, of all items these shares are won and lost."""
    incumbent, candidate = [], []
    for size in sizes:
        answers = np.repeat([0.0, 1.0], [size - round(0.6 * size), round(0.6 * size)])
        other = answers.copy()
        other[: round(wins * size)] = 1
        other[size - round(losses * size) :] = 0
        order = rng.permutation(size)
        incumbent.append(answers[order])
        candidate.append(other[order])
    return [incumbent, candidate]


def races(sizes: Sequence[int], wins: float, losses: float, count: int, rules: Rules = RULES) -> list[Finish]:
    rng = np.random.default_rng(0)
    return [
        run(*pairs(rng, sizes, wins, losses), cut(sizes, rules.blocks, seed), rules) for seed in range(count)
    ]


def stopped(finishes: Sequence[Finish]) -> float:
    return float(np.mean([each.block is not None for each in finishes]))


def asked(finishes: Sequence[Finish], sizes: Sequence[int]) -> float:
    return float(np.mean([each.estimate.items for each in finishes])) / sum(sizes)


@pytest.mark.parametrize(("wins", "losses"), [(0.06, 0.045), (0.11, 0.095), (0.11, 0.08), (0.14, 0.09)])
@pytest.mark.parametrize("sizes", [EQUAL, UNEQUAL])
def test_of_those_that_would_have_won_fewer_are_stopped_than_the_error_says(
    sizes: tuple[int, ...], wins: float, losses: float
) -> None:
    """Winners by 1.5 to 5 points, 77 to 90% of the items tied."""
    assert stopped(races(sizes, wins, losses, 100)) <= RULES.error


def test_a_larger_error_stops_more_of_the_hopeless_earlier() -> None:
    shares = [asked(races(EQUAL, 0.08, 0.16, 25, Rules(error)), EQUAL) for error in (0.01, 0.05, 0.2)]
    assert shares[0] > shares[1] > shares[2]


@pytest.mark.parametrize(
    ("losses", "most"), [(0.2, 0.5), (0.3, 0.3), (0.5, 0.18)], ids=["-10", "-20", "-40 points"]
)
def test_the_worse_a_candidate_the_sooner_it_is_stopped(losses: float, most: float) -> None:
    found = races(EQUAL, 0.1, losses, 30)
    assert stopped(found) == 1.0
    assert asked(found, EQUAL) < most


def test_one_that_equals_the_incumbent_everywhere_is_not_told_from_a_winner_early() -> None:
    incumbent, _ = pairs(np.random.default_rng(0), EQUAL, 0, 0)
    found = run(incumbent, incumbent, cut(EQUAL, 8, 0), RULES)
    assert found.block is None or found.block > 4


def test_who_is_asked_everything_has_its_own_score() -> None:
    incumbent, candidate = pairs(np.random.default_rng(0), EQUAL, 0.3, 0.05)
    found = run(incumbent, candidate, cut(EQUAL, 8, 0), RULES)
    assert found.block is None
    assert found.estimate.value == pytest.approx(np.mean([part.mean() for part in candidate]))
    assert (found.estimate.error, found.estimate.items) == (0.0, 192)


def test_the_estimate_of_a_stopped_one_lies_about_its_score() -> None:
    """All lose 20 points; who is stopped for looking bad looks a little worse than it is, not much."""
    found = races(EQUAL, 0.1, 0.3, 60)
    truth = np.mean([part.mean() for part in pairs(np.random.default_rng(0), EQUAL, 0.1, 0.3)[1]])
    off = [each.estimate.value - truth for each in found]
    spread = [each.estimate.error for each in found]
    assert -0.04 < np.mean(off) < 0.01
    assert np.mean([abs(a) <= 2 * b for a, b in zip(off, spread, strict=True)]) >= 0.9


def logprobs(rng: np.random.Generator, gap: float) -> list[list[Array]]:
    """Log-probabilities per token: skewed, items differing more than models; means differ by `gap`."""
    incumbent = [-rng.gamma(1.0, 1.0, size) for size in EQUAL]
    gains = [rng.normal(0, 0.3, size) - rng.gamma(1, 0.2, size) for size in EQUAL]
    return [incumbent, [a + b - b.mean() + gap for a, b in zip(incumbent, gains, strict=True)]]


@pytest.mark.parametrize(("gap", "least", "most"), [(0.002, 0.0, 0.05), (-0.2, 0.99, 1.0)])
def test_a_race_of_log_probabilities(gap: float, least: float, most: float) -> None:
    rng = np.random.default_rng(0)
    found = [run(*logprobs(rng, gap), cut(EQUAL, 8, seed), RULES, exact=False) for seed in range(150)]
    assert least <= stopped(found) <= most
