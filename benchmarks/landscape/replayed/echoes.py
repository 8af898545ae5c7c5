"""What an item was answered before, by how answers began: the likeliest end of one that begins so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

KNOWN = 256
"""Different answers of an item that are kept: enough to guess by, few enough for memory."""
TAIL = 3
"""Characters by which a place is found that went on from the same ones."""


@dataclass
class Echo:
    """What was heard of one item."""

    prompt: str
    heard: Counter[str] = field(default_factory=Counter)
    _ends: dict[str, str] = field(default_factory=dict, repr=False)
    """By beginning, the answer that was heard most often."""

    def hear(self, text: str) -> None:
        """Remember an answer, its end included."""
        if text not in self.heard and len(self.heard) >= KNOWN:
            return
        self.heard[text] += 1
        count, heard, ends = self.heard[text], self.heard, self._ends
        for length in range(len(text)):
            start = text[:length]
            best = ends.get(start)
            if best is None or (best is not text and count > heard[best]):
                ends[start] = text

    def guess(self, said: str, length: int) -> str:
        """Up to so many characters that may follow what was said."""
        end = self._ends.get(said)
        if end is not None:
            return end[len(said) : len(said) + length]
        return self._copied(said, length) or self._ends.get("", "")[len(said) : len(said) + length]

    def _copied(self, said: str, length: int) -> str:
        """What followed the same last characters where they came before; models repeat and copy."""
        text = self.prompt + said
        at = text.rfind(text[-TAIL:], 0, len(text) - 1)
        if at < 0:
            return ""
        found = text[at + TAIL : at + TAIL + length]
        period = len(text) - TAIL - at
        return found if len(found) >= length else (found + text[-period:] * length)[:length]
