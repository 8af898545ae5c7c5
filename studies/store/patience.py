"""Patience with a database that is away: what was asked of it is asked again until it is back.

Whatever is asked again may have been done already, and only the answer lost: every function here called
patient does the same thing twice over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine

from studies.errors import StorageError, StorageLost

PATIENCE_S = 900.0
"""How long a database may be away before work on a study ends."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
"""Well below the time after which a worker that does not beat is taken for dead."""
_WAIT_S = 0.5

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)


class Outage:
    """What one process has seen of a database's absences; threads share it."""

    def __init__(self) -> None:
        self.count = 0
        """Absences so far, one that lasts among them."""
        self._since: float | None = None
        self._past = 0.0
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """All absences together, one that lasts up to now."""
        with self._lock:
            return self._past + (0.0 if self._since is None else time.monotonic() - self._since)

    def noticed(self, error: StorageLost, patience: float) -> None:
        """Say once per absence that the database is away."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
            self.count += 1
        if patience > 0:
            logger.warning("%s; trying again for %.0f s", error, patience)

    def over(self) -> None:
        """Say once per absence that the database is back."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
            lasted = 0.0 if since is None else time.monotonic() - since
            self._past += lasted
        if since is not None:
            logger.warning("the storage is back after %.0f s", lasted)


class Patient:
    """Something that asks a database, and asks again while that is away."""

    engine: Engine
    outage: Outage
    patience: float
    """Seconds for which a database that is away is asked again; 0 to fail at once."""
    wait: Callable[[float], None]
    """Waits that many seconds; what it raises ends the waiting, and reaches whoever asked."""

    def patiently(self, call: Callable[[], R]) -> R:
        """What `call` returns, once the database answers.

        Raises:
            StorageError: the database was away for longer than `patience`, or failed of something else.
        """
        first: float | None = None
        for pause in pauses():
            try:
                return self.at_once(call)
            except StorageLost as error:
                first = time.monotonic() if first is None else first
                left = first + self.patience - time.monotonic()
                if left <= 0:
                    tried = f" (tried again for {self.patience:.0f} s)" if self.patience > 0 else ""
                    raise StorageError(f"{error}{tried}") from error
                self._rest(min(pause, left))
        raise AssertionError("pauses never end")

    def at_once(self, call: Callable[[], R]) -> R:
        """What `call` returns; raises StorageLost if the database is away."""
        try:
            self.catch_up()
            result = call()
        except StorageLost as error:
            self.outage.noticed(error, self.patience)
            raise
        self.outage.over()
        return result

    def catch_up(self) -> None:
        """Do what was put off while the database was away."""

    def _rest(self, seconds: float) -> None:
        """Wait in steps that are short enough for `wait` to notice that the process shall end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.wait(min(left, _WAIT_S))


S = TypeVar("S", bound=Patient)


def patient(call: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a store's method, or a function of a store, ask again while the database is away."""

    @wraps(call)
    def asked(store: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return store.patiently(partial(call, store, *args, **kwargs))

    return asked


def pauses() -> Iterator[float]:
    """Seconds between one try and the next, longer and longer, and for no two processes the same."""
    longest = FIRST_PAUSE_S
    while True:
        yield longest * random.uniform(0.5, 1.0)
        longest = min(2 * longest, LONGEST_PAUSE_S)
