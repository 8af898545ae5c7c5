"""Which holdout items may select what is judged by the others: no item may do both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from studies.store.identity import JSON

_WIDTH = 256
"""Bits of a sha256."""


@dataclass(frozen=True)
class Parting:
    """How a study parts its holdout items: `share` of them select, the others judge."""

    seed: int
    share: float

    def selecting(self, slice_items_digest: str, items: Iterable[int]) -> set[int]:
        """Those of a slice's items that select."""
        return {item for item in items if selects(slice_items_digest, item, self.seed, self.share)}

    def judging(self, slice_items_digest: str, items: Iterable[int]) -> set[int]:
        """Those of a slice's items that judge."""
        return {item for item in items if not selects(slice_items_digest, item, self.seed, self.share)}


def selects(slice_items_digest: str, item: int, seed: int, share: float) -> bool:
    """Whether an item selects; if not, it judges. The same on every machine, in every process.

    `slice_items_digest` is that of the slice's items without the engine, as a study's identity has it: who
    answers has no say. `share` is between 0 (none selects) and 1 (all do).
    """
    assert 0 <= share <= 1, f"share {share} is not between 0 and 1"
    hashed = sha256(f"{seed}\n{slice_items_digest}\n{item}".encode()).digest()
    return int.from_bytes(hashed) < share * 2.0**_WIDTH


def parting_of(identity: Mapping[str, JSON]) -> Parting | None:
    """How a study parts its holdout items, from its identity; None: they all judge."""
    said = identity.get("parting")
    if said is None:
        return None
    assert isinstance(said, Mapping), f"parting {said!r}"
    seed, share = said["seed"], said["share"]
    assert isinstance(seed, int), f"seed {seed!r}"
    assert isinstance(share, int | float), f"share {share!r}"
    return Parting(seed, share)
