"""How long a candidate may take, and what becomes of an engine that takes longer."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
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
    the time is over; one in this process cannot be: then, a little later, `anew` is called in another thread
    and puts another process in this one's place. Where that is None, or returns, this process ends with
    EXIT_CODE. `excused` tells the seconds, so far, that count for nobody.
    """

    def __init__(
        self,
        seconds: float,
        engine: object,
        *,
        anew: Callable[[], None] | None = None,
        excused: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.seconds, self._engine, self._anew, self._excused = seconds, engine, anew, excused
        self._grace = 0.0 if isinstance(engine, Killable) else min(seconds, GRACE_S)
        self._lock, self._over = Lock(), False
        self._began = 0.0
        self._timer: Timer | None = None

    def __enter__(self) -> Self:
        self._began = self._clock()
        self._arm(self.seconds + self._grace)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True
            if self._timer is not None:
                self._timer.cancel()

    @property
    def took(self) -> float:
        """Seconds since the block was entered that count."""
        return self._clock() - self._began

    def check(self) -> None:
        """Raise DeadlinePassed if it has."""
        if self.took >= self.seconds:
            raise DeadlinePassed(f"not measured within its {_said(self.seconds)}; what it answered is kept")

    def _clock(self) -> float:
        return time.monotonic() - self._excused()

    def _arm(self, seconds: float) -> None:
        if seconds < TIMEOUT_MAX:
            self._timer = Timer(seconds, self._end)
            self._timer.daemon = True
            self._timer.start()

    def _end(self) -> None:
        with self._lock:  # never once the block is over: the engine may be another candidate's by then
            if self._over:
                return
            if (left := self.seconds + self._grace - self.took) > 0:
                self._arm(left)
                return
            if isinstance(self._engine, Killable):
                self._engine.kill()
                return
            self._end_process()

    def _end_process(self) -> None:
        hung = f"a candidate has hung beyond its {_said(self.seconds)}; the engine is in this process"
        if self._anew is not None:
            logger.error("%s, which begins anew", hung)
            self._anew()
        logger.error("%s, which ends for that: run the same command to go on", hung)
        os._exit(EXIT_CODE)


def _said(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.3g} seconds"
