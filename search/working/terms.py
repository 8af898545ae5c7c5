"""On what terms a worker works: how many trials, until when, beside whom."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from search.errors import SearchError
from search.running.anew import earlier
from search.study_file.spec import BudgetSpec

_TIME = re.compile(r"(\d{1,2}):(\d{2})")
EXAMPLES = "a time such as 07:00, or with its date 2026-11-28T07:00"


@dataclass(frozen=True)
class Terms:
    """What one worker is asked for; what is None is as the study file's budget says."""

    trials: int | None = None
    """In all, those of earlier runs and of other workers included."""
    hours: float | None = None
    """From the start of this run to its verdict."""
    until: float | None = None
    """When the verdict has to be there, in seconds since 1970."""
    anyway: bool = False
    """Search even where no slice steers."""
    index: int = 0
    """Which of the workers that were started together this is."""
    workers: int = 1
    """How many those are."""
    anew: bool = False
    """Begin the process's command anew where an engine hangs in it; else it ends for that."""
    failed: tuple[int, ...] | None = None
    """Trials that had failed when the command began, of the last that had ended; None: it begins just now."""
    warm_start: str | None = None
    """Whose best trials the search begins with: another study of the same storage."""

    def trials_of(self, budget: BudgetSpec) -> int:
        """How many trials the study has in the end."""
        return budget.trials if self.trials is None else self.trials


@dataclass(frozen=True)
class Clock:
    """When the verdict has to be there, by this process's own clock: one that jumps moves nothing."""

    end: float = math.inf

    @property
    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self.end - time.monotonic()


def start_clock(terms: Terms, budget: BudgetSpec) -> Clock:
    """A clock that ends with the terms, or with the study file's hours where these say no time."""
    hours = budget.hours if terms.hours is None and terms.until is None else terms.hours
    seconds = [math.inf if hours is None else hours * 3600]
    seconds += [] if terms.until is None else [terms.until - time.time()]
    return Clock(time.monotonic() + min(seconds))


def with_end(terms: Terms, budget: BudgetSpec) -> Terms:
    """The same terms with a time for their hours: one who starts later, or again, has no longer for that."""
    left = start_clock(terms, budget).left
    return terms if left == math.inf else replace(terms, hours=None, until=time.time() + left)


def of_command(terms: Terms, until: str | None) -> Terms:
    """A command line's terms with its --until; one that goes on with what began earlier keeps its time.

    Raises as `read_until`.
    """
    known = earlier()
    if known is None:
        return terms if until is None else replace(terms, until=read_until(until))
    terms = replace(terms, failed=known.failed)
    if known.end is None:
        return terms
    return replace(terms, hours=None, until=time.time() + known.end - time.monotonic())


def read_until(text: str, now: datetime | None = None) -> float:
    """Seconds since 1970 of a time, the next one of that name, or of a date with a time; local ones.

    Raises:
        SearchError: it is neither, or is past.
    """
    now = datetime.now() if now is None else now
    if match := _TIME.fullmatch(text.strip()):
        return _next(int(match[1]), int(match[2]), now, text).timestamp()
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _unreadable(text) from None
    if found.timestamp() <= now.timestamp():
        raise SearchError(f"--until {text}: is past (it is {now:%Y-%m-%d %H:%M} now); write {EXAMPLES}")
    return found.timestamp()


def _next(hour: int, minute: int, now: datetime, text: str) -> datetime:
    try:
        today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError:
        raise _unreadable(text) from None
    return today if today > now else today + timedelta(days=1)


def _unreadable(text: str) -> SearchError:
    return SearchError(f"--until {text}: is no time; write {EXAMPLES}")
