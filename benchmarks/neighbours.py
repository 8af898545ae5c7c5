"""What else runs on this machine meanwhile: it falsifies ratios, not only times.

A neighbour on one core costs a copy little and a merge much: at the end of each parallel loop the thread that
is done first spins until the other, on the busy core, gets its turn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.samples import say

QUIET = 0.1
"""Cores that others may keep busy."""
_LOOK = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Watch:
    """A moment, with the processor time that all processes and this one had used by then."""

    wall: float
    all: float
    own: float

    def others(self) -> float:
        """Cores that other processes kept busy since; 0 where the system does not say."""
        now = start_watch()
        return max(0.0, (now.all - self.all) - (now.own - self.own)) / max(now.wall - self.wall, 1e-9)


@dataclass
class Neighbours:
    """Waits for a quiet machine before each turn, and sums up what others did during them."""

    patience: float
    """Seconds that may still be waited."""
    seconds: float = 0.0
    busy: float = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around what is timed."""
        self.patience -= wait_until_quiet(self.patience)
        watch = start_watch()
        yield
        seconds = time.perf_counter() - watch.wall
        self.seconds, self.busy = self.seconds + seconds, self.busy + seconds * watch.others()

    @property
    def cores(self) -> float:
        """Cores that others kept busy during the turns."""
        return self.busy / self.seconds if self.seconds else 0.0


def start_watch() -> Watch:
    """Begin to look."""
    return Watch(time.perf_counter(), _busy_seconds(), time.process_time())


def wait_until_quiet(patience: float) -> float:
    """Wait until the machine is ours, at most so many seconds; returns how long that took."""
    start, told = time.monotonic(), False
    while (waited := time.monotonic() - start) < patience:
        watch = start_watch()
        time.sleep(_LOOK)
        if watch.others() <= QUIET:
            break
        if not told:
            say(f"others are using this machine; waiting for at most {patience:.0f} s")
        told = True
    return waited


def _busy_seconds() -> float:
    """Processor time since boot that was not idle, of all cores: user, nice, system, interrupts."""
    file = Path("/proc/stat")
    if not file.is_file():
        return 0.0
    user, nice, system, _, _, irq, softirq, *_ = map(int, file.read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS
