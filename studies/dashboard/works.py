"""Long work done once, by a thread of its own, while pages say that it is being done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

SHARE = 0.01
"""The share of one core that working one thing out again and again may take."""
LONGEST_S = 600.0

logger = logging.getLogger(__name__)


@dataclass
class Works:
    """Values by key, each worked out anew for another version; one at a time, for pages go first."""

    _known: dict[Hashable, tuple[Hashable, Any]] = field(default_factory=dict)
    _rest: dict[Hashable, float] = field(default_factory=dict)
    """By key: until when it is not worked out again."""
    _busy: set[Hashable] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, key: Hashable, version: Hashable, work: Callable[[], T]) -> T | None:
        """What `work` returned for this version, or for an earlier one while it works or rests.

        None at first. It rests so long that a search does not feel it. Work that raises is logged, and tried
        again by whoever asks next.
        """
        with self._lock:
            known = self._known.get(key)
            new = known is None or (known[0] != version and time.monotonic() >= self._rest[key])
            if new and key not in self._busy:
                self._busy.add(key)
                args = (key, version, work)
                threading.Thread(target=self._work, args=args, name="working out", daemon=True).start()
        return None if known is None else known[1]

    def _work(self, key: Hashable, version: Hashable, work: Callable[[], Any]) -> None:
        try:
            with self._turn:
                began = time.monotonic()
                value = work()
            with self._lock:
                self._known[key] = version, value
                now = time.monotonic()
                self._rest[key] = now + min((now - began) / SHARE, LONGEST_S)
        except Exception:
            logger.exception("%s was not worked out", key)
        finally:
            with self._lock:
                self._busy.discard(key)
