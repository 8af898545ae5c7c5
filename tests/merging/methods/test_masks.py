from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merging.methods.masks import BLOCK, VERSION, keep_mask, mask_key, uniform24, words
from merging.recipe.canonical import MASKS

WORD = 2**32 - 1


def lowbias32(word: int) -> int:
    """Wellons's mixer in unbounded integers."""
    word = ((word ^ (word >> 16)) * 0x7FEB352D) & WORD
    word = ((word ^ (word >> 15)) * 0x846CA68B) & WORD
    return word ^ (word >> 16)


def expected(key: int, position: int) -> int:
    low, high = words(key, position // BLOCK)
    return lowbias32((lowbias32((position % BLOCK) ^ (low & WORD)) + high) & WORD) >> 8


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_numbers_are_the_hash_of_key_and_position(key: int, offset: int) -> None:
    assert uniform24(key, 3, offset=offset).tolist() == [expected(key, offset + i) for i in range(3)]


def test_numbers_go_on_over_the_end_of_a_block() -> None:
    start = BLOCK - 2
    assert uniform24(9, 4, offset=start).tolist() == [expected(9, start + i) for i in range(4)]


@given(st.integers(0, 1000))
def test_chunks_give_the_same_numbers(cut: int) -> None:
    parts = [uniform24(5, cut), uniform24(5, 1000 - cut, offset=cut)]
    assert torch.equal(torch.cat(parts), uniform24(5, 1000))


def test_numbers_are_uniform_below_2_to_the_24() -> None:
    numbers = uniform24(11, 1 << 20)
    assert numbers.min() >= 0
    assert numbers.max() < 2**24
    counts = torch.bincount(numbers >> 12, minlength=4096).double()
    chi_square = float(((counts - 256) ** 2 / 256).sum())
    assert abs(chi_square - 4095) < 5 * (2 * 4095) ** 0.5


def test_neighbours_keys_and_positions_do_not_tell_of_each_other() -> None:
    def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
        return abs(float(torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1]))

    numbers, n = uniform24(11, 1 << 20), 1 << 20
    limit = 5 / n**0.5
    for other in (12, 11 + 2**32, -11, 11 ^ 2**63):
        assert correlation(numbers, uniform24(other, n)) < limit
    for shift in (1, 2, 1024, 4096):
        assert correlation(numbers[:-shift], numbers[shift:]) < limit


def test_every_bit_of_the_key_changes_half_of_the_bits() -> None:
    reference = uniform24(0, 4096)
    for bit in range(64):
        key = 1 << bit if bit < 63 else -(1 << 63)
        changed = reference ^ uniform24(key, 4096)
        share = sum(int(((changed >> i) & 1).sum()) for i in range(24)) / (24 * 4096)
        assert abs(share - 0.5) < 0.01, bit


def test_a_density_of_one_keeps_all() -> None:
    assert keep_mask(3, 1000, 1.0).all()


def test_a_higher_density_keeps_all_that_a_lower_one_keeps() -> None:
    low, high = keep_mask(3, 1000, 0.2), keep_mask(3, 1000, 0.6)
    assert (low & high).equal(low)


def test_keys_differ_by_seed_tensor_and_expert() -> None:
    keys = {mask_key(seed, name, expert) for seed in (0, 1) for name in ("a", "b") for expert in ("x", "y")}
    assert len(keys) == 8
    assert mask_key(0, "a", "x") == 6209370968527654427


def test_recipes_name_the_version_of_their_masks() -> None:
    assert MASKS == VERSION
