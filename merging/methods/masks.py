"""Random numbers that depend on nothing but a key and an element's position.

Each element's number is a hash of (key, position), so a mask is the same on every device, in chunks of any
size and in any order. The hash mixes the position twice, each time with half of the key, by Wellons's
`lowbias32` (2018, "Prospecting for Hash Functions"): 32-bit multiplications, because CPUs do sixteen of them
at once.
"""

from __future__ import annotations

import hashlib
import json

import torch
from torch import Tensor

BITS = 24
ONE = 1 << BITS
"""Numbers are below this: one more than the largest."""

BLOCK = 1 << 30
"""Elements that share a pair of key words; positions within one fit 32 bits."""

VERSION = 2
"""Of the hash: it enters the digest of recipes that draw masks."""


def mask_key(seed: int, name: str, fingerprint: str) -> int:
    """The key of one expert's mask of one tensor: 64 bits of a SHA-256, as a signed integer."""
    text = json.dumps([seed, name, fingerprint], separators=(",", ":"))
    return _signed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"), 64)


def words(key: int, block: int = 0) -> tuple[int, int]:
    """A key as two signed 32-bit words, others for each block of `BLOCK` elements."""
    bits = (key + block * 0x9E3779B97F4A7C15) % 2**64
    return _signed(bits & 0xFFFFFFFF, 32), _signed(bits >> 32, 32)


def draw(position: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Uniform integers below 2^24, one per position; int32 in (wrapping) and out, one key word each."""
    return (_mix(_mix(position ^ low) + high) >> 8) & (ONE - 1)


def uniform24(key: int, n: int, device: torch.device | str = "cpu", offset: int = 0) -> Tensor:
    """Uniform integers below 2^24 for the elements `offset` to `offset` + n - 1; int32, shape [n]."""
    numbers = torch.empty(n, dtype=torch.int32, device=device)
    start = offset
    while start < offset + n:
        block, first = divmod(start, BLOCK)
        stop = min(offset + n, (block + 1) * BLOCK)
        position = torch.arange(first, first + stop - start, dtype=torch.int32, device=device)
        low, high = torch.tensor(words(key, block), dtype=torch.int32, device=device)
        numbers[start - offset : stop - offset] = draw(position, low, high)
        start = stop
    return numbers


def keep_mask(
    key: int, n: int, density: float, device: torch.device | str = "cpu", offset: int = 0
) -> Tensor:
    """True where an element is kept, with probability `density` (rounded to 24 bits); bool, shape [n]."""
    return uniform24(key, n, device, offset).lt(round(density * ONE))


def _mix(word: Tensor) -> Tensor:
    word = (word ^ _shift_right(word, 16)) * 0x7FEB352D
    word = (word ^ _shift_right(word, 15)) * _signed(0x846CA68B, 32)
    return word ^ _shift_right(word, 16)


def _shift_right(word: Tensor, by: int) -> Tensor:
    """A logical shift of 32-bit words: the sign bit does not spread."""
    return (word >> by) & ((1 << (32 - by)) - 1)


def _signed(number: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (number + half) % (1 << bits) - half
