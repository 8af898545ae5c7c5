"""Holdout items either select or judge, for ever and everywhere alike."""

from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.verdicts.parting import Parting, parting_of, selects

ITEMS = range(2000)


def test_every_item_selects_or_judges_and_none_does_both() -> None:
    parting = Parting(seed=0, share=0.5)
    selecting, judging = parting.selecting("gsm8k", ITEMS), parting.judging("gsm8k", ITEMS)
    assert selecting | judging == set(ITEMS)
    assert selecting & judging == set()


def test_the_parting_is_what_it_was_in_the_first_release() -> None:
    # Studies that were judged hold to it.
    assert sorted(Parting(0, 0.5).selecting("gsm8k", range(16))) == GSM8K
    assert sorted(Parting(1, 0.25).selecting("math", range(16))) == MATH


GSM8K = [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15]
MATH = [15]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_so_large_a_share_selects(share: float) -> None:
    found = fmean(selects("gsm8k", item, 0, share) for item in ITEMS)
    assert found == pytest.approx(share, abs=4 * (share * (1 - share) / len(ITEMS)) ** 0.5)


@given(st.integers(0, 10**6), st.text(), st.integers(0, 99), st.floats(0, 1), st.floats(0, 1))
def test_what_selects_still_does_when_more_may(
    item: int, digest: str, seed: int, share: float, more: float
) -> None:
    low, high = sorted((share, more))
    assert selects(digest, item, seed, high) or not selects(digest, item, seed, low)


def test_slices_and_seeds_are_parted_apart_from_each_other() -> None:
    def parted(digest: str, seed: int) -> list[bool]:
        return [selects(digest, item, seed, 0.5) for item in ITEMS]

    for other in (parted("math", 0), parted("gsm8k", 1)):
        agreed = fmean(a == b for a, b in zip(parted("gsm8k", 0), other, strict=True))
        assert agreed == pytest.approx(0.5, abs=0.05)


def test_a_study_without_a_parting_judges_by_all_its_items() -> None:
    assert parting_of({"study": {}}) is None
    assert parting_of({"parting": {"seed": 3, "share": 0.25}}) == Parting(3, 0.25)
