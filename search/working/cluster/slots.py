"""What becomes of a worker that ended: is it done, does it come again, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["placing", "working", "resting", "done"]

USERS = 2
"""The exit code that says that something is to be put right."""
FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0
STEADY_S = 300.0
"""A worker that lived so long has not failed at its start."""
MOST_FAILURES = 3
"""In a row; before each, the worker was started again and again on its node."""


@dataclass
class Slot:
    """One of the workers that were asked for, whoever works in it just now."""

    index: int
    state: State = "resting"
    until: float = 0.0
    """Until when it rests."""
    began: float = 0.0
    failures: int = 0
    """Workers that ended early, in a row."""
    reason: str | None = None
    """Why the last one ended, where it should not have."""
    refused: bool = False
    """Whether that is something to be put right."""

    def steady(self, now: float) -> bool:
        """Whether its worker has worked for a while."""
        return self.state == "working" and now - self.began >= STEADY_S

    def begin(self, now: float) -> None:
        """A worker has a place and works."""
        self.state, self.began = "working", now

    def end(self, code: int, reason: str, now: float) -> None:
        """A worker ended by itself."""
        if code == 0:
            self.state, self.reason, self.refused = "done", None, False
        else:
            self.fail(reason, now, refused=code == USERS)

    def fail(self, reason: str, now: float, *, refused: bool = False) -> None:
        """A worker could not go on; another comes after a rest that doubles while none lives for long."""
        self.failures = 1 if self.steady(now) else self.failures + 1
        rest = min(LONGEST_REST_S, FIRST_REST_S * 2 ** (self.failures - 1))
        self.state, self.until, self.reason, self.refused = "resting", now + rest, reason, refused

    def lose(self, now: float) -> None:
        """Its node is gone, which is no fault of the worker: it is placed anew at once."""
        self.state, self.until, self.refused = "resting", now, False


def verdict(slots: Sequence[Slot], now: float) -> tuple[int, str] | None:
    """The exit code of them all and why, once nothing more is to come of them; None before.

    One that found nothing left to do speaks for those that have no place; those that work are waited for.
    What is refused on one node may be that node's fault; what is refused to all is the user's to put right.
    """
    if all(slot.refused and not slot.steady(now) for slot in slots):
        return USERS, next(slot.reason for slot in slots if slot.reason)
    if any(slot.state == "working" for slot in slots):
        return None
    if any(slot.state == "done" for slot in slots):
        return 0, ""
    tried = [slot for slot in slots if slot.failures]
    if tried and all(slot.failures >= MOST_FAILURES for slot in tried):
        return 1, f"workers died again and again, the last time: {tried[0].reason}"
    return None
