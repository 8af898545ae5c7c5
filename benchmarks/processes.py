"""Runs a command as its user would, and watches the anonymous memory of its whole process tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PERIOD = 0.02


class CommandError(RuntimeError):
    """A command that was to be timed failed; the message ends with what it said."""


@dataclass(frozen=True)
class Finished:
    """What a command took."""

    seconds: float
    """Wall time, from the start of the process to its end."""
    processor_seconds: float
    """What all its processes computed, which neither neighbours nor the disk change much."""
    peak_anonymous: int
    """Bytes: the most that was sampled, mapped files not counted."""


def run_command(command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> Finished:
    """Run a command to its end; raises CommandError unless it succeeds."""
    start, used = time.perf_counter(), _children_seconds()
    with subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        peak = _Peak(process.pid)
        watcher = threading.Thread(target=peak.watch, daemon=True)
        watcher.start()
        said, _ = process.communicate()
        seconds = time.perf_counter() - start
        peak.over.set()
        watcher.join()
    if process.returncode:
        raise CommandError(f"{' '.join(command)}: exit {process.returncode}: {said.decode()[-2000:]}")
    return Finished(seconds, _children_seconds() - used, peak.bytes)


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


class _Peak:
    """The highest anonymous memory seen; the kernel keeps no such high-water mark, so it is sampled."""

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes, self.over = pid, 0, threading.Event()

    def watch(self) -> None:
        while not self.over.wait(_PERIOD):
            self.bytes = max(self.bytes, sum(anonymous_bytes(pid) for pid in tree(self.pid)))


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:  # grows while we walk
        with suppress(OSError):  # it ended
            for file in Path(f"/proc/{parent}/task").glob("*/children"):
                found.extend(map(int, file.read_text().split()))
    return found


def anonymous_bytes(pid: int) -> int:
    """Resident memory of a process that no file backs; 0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0
