"""How long a candidate may take, and what becomes of an engine that takes longer."""

from __future__ import annotations

import logging
import os
import time
from threading import TIMEOUT_MAX, Lock, Timer
from typing import Protocol, Self, runtime_checkable

from evaluators.errors import DeadlinePassed

logger = logging.getLogger(__name__)

EXIT_CODE = 75
"""With which a process ends that cannot stop its own engine: EX_TEMPFAIL of sysexits.h, to be tried again."""
GRACE_S = 60.0
"""Seconds, or as long as the limit if that is less, in which such an engine may still end its batch."""


@runtime_checkable
class Killable(Protocol):
    """An engine in a process of its own."""

    def kill(self) -> None:
        """End whatever it does, from any thread; its next `load` starts anew."""
        ...


class Deadline:
    """Of one candidate, from entering the block on.

    `check` raises between two batches. In the middle of one, an engine in a process of its own is killed when
    the time is over; one in this process cannot be: then this process ends, a little later, with EXIT_CODE.
    """

    def __init__(self, seconds: float, engine: object) -> None:
        self.seconds, self._engine = seconds, engine
        grace = 0.0 if isinstance(engine, Killable) else min(seconds, GRACE_S)
        self._timer = Timer(seconds + grace, self._end)
        self._timer.daemon = True
        self._lock, self._over, self._until = Lock(), False, float("inf")

    def __enter__(self) -> Self:
        self._until = time.monotonic() + self.seconds
        if self.seconds < TIMEOUT_MAX - GRACE_S:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True
        self._timer.cancel()

    def check(self) -> None:
        """Raise DeadlinePassed if it has."""
        if time.monotonic() >= self._until:
            raise DeadlinePassed(f"not measured within its {_said(self.seconds)}; what it answered is kept")

    def _end(self) -> None:
        with self._lock:  # never once the block is over: the engine may be another candidate's by then
            if self._over:
                return
            if isinstance(self._engine, Killable):
                self._engine.kill()
                return
            logger.error(
                "a candidate has hung beyond its %s; the engine is in this process, which ends for that:"
                " run the same command to go on",
                _said(self.seconds),
            )
            os._exit(EXIT_CODE)


def _said(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.3g} seconds"
