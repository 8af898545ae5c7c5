from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.masks import keep_mask, mask_key, uniform24

WORD = 2**64 - 1


def splitmix24(key: int, position: int) -> int:
    """SplitMix64's finaliser in unbounded integers."""
    z = (key + (position + 1) * 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return (z ^ (z >> 31)) >> 40


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_numbers_are_splitmix64s(key: int, offset: int) -> None:
    assert uniform24(key, 3, offset=offset).tolist() == [splitmix24(key, offset + i) for i in range(3)]


def test_chunks_give_the_same_numbers() -> None:
    whole = uniform24(5, 1000)
    assert torch.equal(torch.cat([uniform24(5, 300), uniform24(5, 700, offset=300)]), whole)


def test_numbers_are_uniform_below_2_to_the_24() -> None:
    numbers = uniform24(11, 200_000)
    counts = torch.histc(numbers.double(), bins=16, min=0, max=2**24)
    assert numbers.min() >= 0
    assert numbers.max() < 2**24
    assert ((counts / 200_000 - 1 / 16).abs() < 0.003).all()


def test_a_density_of_one_keeps_all() -> None:
    assert keep_mask(3, 1000, 1.0).all()


def test_a_higher_density_keeps_all_that_a_lower_one_keeps() -> None:
    low, high = keep_mask(3, 1000, 0.2), keep_mask(3, 1000, 0.6)
    assert (low & high).equal(low)


def test_keys_differ_by_seed_tensor_and_expert() -> None:
    keys = {mask_key(seed, name, expert) for seed in (0, 1) for name in ("a", "b") for expert in ("x", "y")}
    assert len(keys) == 8
    assert mask_key(0, "a", "x") == 6209370968527654427
