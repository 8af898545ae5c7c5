"""Candidates whose true rates are known, raced as shipped: how many winners are stopped, what is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from evaluators.score import wilson
from search.racing.blocks import cut
from search.racing.cells import Array
from search.racing.race import Rules, run

SIZES = (64, 64, 64)
RULES = Rules(blocks=4)
"""As the tiny study is raced: no block holds fewer than 16 items of a slice."""
BEST = 0.6
"""The incumbent's true rate."""
ALIKE = 0.7
"""Of the items the share to which a candidate answers as the incumbent does, whatever it is worth."""


@dataclass(frozen=True)
class Fate:
    """What became of a candidate, and what it would have been."""

    stopped: bool
    wins: bool
    asked: float
    """The share of the items."""


def fates(rate: float, count: int, rules: Rules = RULES) -> list[Fate]:
    """Race candidates of this true rate, each against an incumbent of its own."""
    rng = np.random.default_rng(round(1000 * rate))
    return [_fate(rng, rate, seed, rules) for seed in range(count)]


def _fate(rng: np.random.Generator, rate: float, seed: int, rules: Rules) -> Fate:
    incumbent = [(rng.random(size) < BEST).astype(float) for size in SIZES]
    candidate = [_answers(rng, part, rate) for part in incumbent]
    found = run(incumbent, candidate, cut(SIZES, rules.blocks, seed), rules)
    wins = np.mean([part.mean() for part in candidate]) > np.mean([part.mean() for part in incumbent])
    return Fate(found.block is not None, bool(wins), found.estimate.items / sum(SIZES))


def _answers(rng: np.random.Generator, incumbent: Array, rate: float) -> Array:
    """Right at the rate, alike on a share of items: those left are right as often as that takes."""
    own = rng.random(len(incumbent)) < (rate - ALIKE * BEST) / (1 - ALIKE)
    answers: Array = np.where(rng.random(len(incumbent)) < ALIKE, incumbent, own)
    return answers


def lost(found: Sequence[Fate]) -> tuple[int, int]:
    """Of those that would have won on all items, how many were stopped, and how many there are."""
    return sum(each.stopped and each.wins for each in found), sum(each.wins for each in found)


@pytest.mark.parametrize("error", [0.05, 0.2])
def test_of_winners_no_larger_share_is_stopped_than_the_error_says(error: float) -> None:
    """Candidates as good as the incumbent, 3 points better and 3 worse: the last win by luck alone."""
    rules = Rules(error, RULES.blocks)
    found = [each for rate in (BEST - 0.03, BEST, BEST + 0.03) for each in fates(rate, 100, rules)]
    stopped, winners = lost(found)
    assert winners >= 100
    assert wilson(stopped, winners).high <= error


def test_where_candidates_are_clearly_worse_at_least_two_fifths_of_the_items_are_saved() -> None:
    found = [each for rate in (0.5, 0.45, 0.4, 0.35) for each in fates(rate, 12)]
    saved = 1 - np.array([each.asked for each in found])
    error = saved.std(ddof=1) / np.sqrt(len(saved))
    assert saved.mean() - 1.96 * error >= 0.4


def test_one_that_is_better_is_asked_everything() -> None:
    assert not any(each.stopped for each in fates(BEST + 0.1, 30))
