"""When a study stands still: no evidence for a while, with workers at work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Stillness:
    """How long a study's evidence has been what it is, by one process's monotonic clock.

    A clock that jumps, a machine that sleeps and a database that does not answer count for nothing.
    """

    limit_s: float
    still_s: float = 0.0
    mark: object = None
    looked_at: float | None = None
    """When the study was last seen; None where the last look saw nothing."""
    told: bool = False

    def see(self, mark: object, now: float, *, at_work: bool) -> bool:
        """Take a look at what evidence there is (`mark`); True once, when the study has stalled."""
        if mark != self.mark or not at_work:
            self.mark, self.still_s, self.told = mark, 0.0, False
        elif self.looked_at is not None:
            self.still_s += now - self.looked_at
        self.looked_at = now
        if self.told or self.still_s < self.limit_s:
            return False
        self.told = True
        return True

    def miss(self) -> None:
        """Nothing could be seen: what passes until the next look is not counted."""
        self.looked_at = None
