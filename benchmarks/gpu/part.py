"""A part as its own process sees it: what was asked for, how long it may take, and rows that it hands over.

A row is one thing tried, most often a method: it is ok, failed or skipped on its own, with the reason.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Status = Literal["ok", "failed", "skipped"]
Row = dict[str, Any]
"""`name`, `status`, `reason` unless ok, and figures: plain data."""


@dataclass(frozen=True)
class Task:
    """What every part is told."""

    device: str
    small: bool
    work: Path
    """A folder that parts share: models, caches."""
    until: float
    """When to begin nothing more, by `time.time`."""

    @property
    def repetitions(self) -> int:
        """Of what is timed."""
        return 2 if self.small else 7


class SkippedError(Exception):
    """Something that cannot be tried here, with the reason."""


class WrongError(Exception):
    """Something that came out wrong; `figures` say how."""

    def __init__(self, reason: str, figures: dict[str, Any]) -> None:
        super().__init__(reason)
        self.figures = figures


def try_each(task: Task, names: Iterable[str], work: Callable[[str], dict[str, Any]]) -> Iterator[Row]:
    """A row for each name: what `work` finds, or why it did not."""
    for name in names:
        yield attempt(task, name, lambda name=name: work(name))  # type: ignore[misc]


def attempt(task: Task, name: str, work: Callable[[], dict[str, Any]]) -> Row:
    """One row; a failure is told in it, and in the log at length."""
    if time.time() > task.until:
        return {"name": name, "status": "skipped", "reason": "no time left in this part's share"}
    try:
        return {"name": name, "status": "ok", **work()}
    except SkippedError as skipped:
        return {"name": name, "status": "skipped", "reason": str(skipped)}
    except WrongError as wrong:
        return {"name": name, "status": "failed", "reason": str(wrong), **wrong.figures}
    except Exception as error:  # whatever it is, the next row is tried
        traceback.print_exc()
        return {"name": name, "status": "failed", "reason": one_line(error)}


def one_line(error: BaseException) -> str:
    """An error's type and message as one line of at most 300 characters."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
