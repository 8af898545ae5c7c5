"""The order in which items are asked: blocks that hold of every slice its share."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

Block = tuple[tuple[int, ...], ...]
"""Per slice, the positions of its items in this block, ascending."""


def cut(sizes: Sequence[int], blocks: int, seed: int) -> tuple[Block, ...]:
    """Cut slices of these sizes into so many blocks, the same for every candidate of a study.

    Which items of a slice are in which block is random and decided by the seed alone. The first block holds
    an item of every slice; a slice smaller than the number of blocks is missing from some.
    """
    orders = [_shuffled(size, seed, part) for part, size in enumerate(sizes)]
    return tuple(tuple(_share(order, block, blocks) for order in orders) for block in range(blocks))


def _shuffled(size: int, seed: int, part: int) -> list[int]:
    return sorted(range(size), key=lambda item: sha256(f"{seed}/{part}/{item}".encode()).digest())


def _share(order: Sequence[int], block: int, blocks: int) -> tuple[int, ...]:
    """Rounded up, so that what is asked until then is never less than the block's share of the slice."""
    first, last = (-(-len(order) * edge // blocks) for edge in (block, block + 1))
    return tuple(sorted(order[first:last]))
