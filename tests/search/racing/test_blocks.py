from __future__ import annotations

from itertools import pairwise

from search.racing.blocks import cut

SIZES = (64, 10, 3)


def test_every_item_is_in_one_block() -> None:
    for part, size in enumerate(SIZES):
        asked = [item for block in cut(SIZES, 8, seed=0) for item in block[part]]
        assert sorted(asked) == list(range(size))


def test_each_block_holds_of_every_slice_its_share() -> None:
    blocks = cut(SIZES, 8, seed=0)
    assert [len(block[0]) for block in blocks] == [8] * 8
    assert [len(block[1]) for block in blocks] == [2, 1, 1, 1, 2, 1, 1, 1]
    assert [len(block[2]) for block in blocks] == [1, 0, 1, 0, 0, 1, 0, 0]


def test_the_first_block_holds_an_item_of_every_slice() -> None:
    assert all(cut((1, 1, 500), 50, seed=3)[0])


def test_the_seed_alone_decides_which_items_come_first() -> None:
    assert cut(SIZES, 8, seed=0) == cut(SIZES, 8, seed=0)
    assert all(a != b for a, b in pairwise(cut(SIZES, 8, seed=seed)[0] for seed in range(5)))


def test_blocks_do_not_follow_the_order_of_the_items() -> None:
    first = {block[0] for seed in range(20) for block in cut((16,), 2, seed)[:1]}
    assert len(first) == 20
