"""Where the time of a piece of work went."""

from __future__ import annotations

from time import perf_counter


class Laps:
    """A stopwatch: each call names what was done since the one before; `seconds` are summed by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def __call__(self, name: str) -> None:
        """End a lap."""
        now = perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now
