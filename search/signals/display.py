"""Progress as log lines, where logs are for machines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from search.showing.display import Display
from search.showing.step import Step
from search.showing.tables import console
from search.signals.logs import log_step, structured
from search.study_file.spec import Objective

logger = logging.getLogger(__name__)


@dataclass
class LoggedDisplay(Display):
    """Logs what a display would show."""

    @contextmanager
    def reporting(self) -> Iterator[Callable[[Step], None]]:
        yield log_step

    def say(self, text: str) -> None:
        logger.info("%s", text)

    def hear(self, worker: int, text: str) -> None:
        logger.warning("worker %d: %s", worker, text, extra={"worker": worker})


def open_display(objective: Objective, *, stderr: bool = False) -> Display:
    """What shows progress, in the form in which logs are."""
    kind = LoggedDisplay if structured() else Display
    return kind(console(stderr=stderr), objective)
