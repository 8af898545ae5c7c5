"""What was read of the store, kept until something happened: many browsers cost one look."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

SHARE = 0.01
"""The share of one core that reading one thing again and again may take."""
LONGEST_S = 60.0
MOST = 512


def now() -> float:
    """Seconds of a clock that never jumps."""
    return time.monotonic()


@dataclass(frozen=True, eq=False)
class Same(Generic[T]):
    """Something that was read, equal to itself alone: the version of what is made of it."""

    value: T


@dataclass(frozen=True)
class _Kept:
    version: Hashable
    value: Any
    cost: float
    """Seconds that it took to make."""
    at: float


class Memory:
    """Values by key, each made anew for another version, but not so often that a search would feel it.

    Threads may share it: of several that ask for one thing, one makes it and the others wait.
    """

    def __init__(self, clock: Callable[[], float] = now, share: float = SHARE) -> None:
        self._clock, self._share = clock, share
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        """What `make` returned for this version, or lately for another one where making it takes long."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is None or not self._good(kept, version):
                began = self._clock()
                value = make()
                ended = self._clock()
                kept = _Kept(version, value, ended - began, ended)
            self._keep(key, kept)
        found: T = kept.value
        return found

    def clear(self) -> None:
        """Forget everything: something was done, and whoever did it wants to see that."""
        with self._lock:
            self._kept.clear()

    def _good(self, kept: _Kept, version: Hashable) -> bool:
        rest = min(kept.cost / self._share, LONGEST_S)
        return kept.version == version or self._clock() - kept.at < rest

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._locks.pop(self._kept.popitem(last=False)[0], None)
