"""Random keep masks that depend on nothing but a key and an element's position.

Each element's number is a hash of (key, position), so a mask is the same on every device, in chunks of any
size and in any order. The hash is SplitMix64's finaliser (Steele, Lea & Flood 2014), in wrapping integers.
"""

from __future__ import annotations

import hashlib
import json

import torch

BITS = 24
_GOLDEN = 0x9E3779B97F4A7C15


def mask_key(seed: int, name: str, fingerprint: str) -> int:
    """The key of one expert's mask of one tensor: 64 bits of a SHA-256, as a signed integer."""
    text = json.dumps([seed, name, fingerprint], separators=(",", ":"))
    return _signed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def uniform24(key: int, n: int, device: torch.device | str = "cpu", offset: int = 0) -> torch.Tensor:
    """Uniform integers below 2^24 for the elements `offset` to `offset` + n - 1; int64, shape [n]."""
    position = torch.arange(offset + 1, offset + n + 1, dtype=torch.int64, device=device)
    bits = position * _signed(_GOLDEN) + key
    bits = (bits ^ _shift_right(bits, 30)) * _signed(0xBF58476D1CE4E5B9)
    bits = (bits ^ _shift_right(bits, 27)) * _signed(0x94D049BB133111EB)
    return _shift_right(bits ^ _shift_right(bits, 31), 64 - BITS)


def keep_mask(
    key: int, n: int, density: float, device: torch.device | str = "cpu", offset: int = 0
) -> torch.Tensor:
    """True where an element is kept, with probability `density` (rounded to 24 bits); bool, shape [n]."""
    return uniform24(key, n, device, offset).lt(round(density * 2**BITS))


def _shift_right(bits: torch.Tensor, by: int) -> torch.Tensor:
    """A logical shift: the sign bit does not spread."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _signed(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63
