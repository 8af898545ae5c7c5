"""How a study says that work on it ended before its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from search.errors import Hopeless, NothingSteers
from search.running.interrupt import Interrupted
from studies.store import StudyStore
from studies.store.rows import StudyState


class Halted(Exception):  # noqa: N818 - reads as the fact that it reports
    """Somebody asked, through the database, that work on a study pause or stop."""

    def __init__(self, wish: Literal["pause", "stop"]) -> None:
        super().__init__(f"crucible {wish}")
        self.wish = wish


class TimeUp(Exception):  # noqa: N818
    """What is left of a worker's time is needed for the verdict."""


@contextmanager
def ending(store: StudyStore, study: int) -> Iterator[None]:
    """Say in the store how work ended that did not come to its end."""
    try:
        yield
    except (Exception, Interrupted) as error:
        store.set_state(study, *outcome_of(error))
        raise


def outcome_of(error: BaseException) -> tuple[StudyState, str]:
    """The state that an error or a signal leaves a study in, and the reason in one line."""
    stopped = isinstance(error, Interrupted | Halted | NothingSteers | Hopeless)
    state: StudyState = "stopped" if stopped else "failed"
    return state, " ".join(str(error).split()) or type(error).__name__
