"""Trials as they begin and end: the latest on the page, then only those that are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from studies.dashboard.here import Here, here_of, number_of
from studies.dashboard.rendering import render
from studies.views.studies import StudyView
from studies.views.trials import TrialView, trials_page, trials_since

SHOWN = 20
MOST_NEW = 100
"""Rows that one answer brings; a page that missed more is better loaded anew."""


@dataclass(frozen=True)
class Feed:
    """The latest trials, the newest first."""

    study: int
    rows: tuple[TrialView, ...]
    total: int

    @property
    def newest(self) -> int:
        """The greatest number of a trial; -1 without one."""
        return max((row.number for row in self.rows), default=-1)

    def cursor(self) -> dict[str, str]:
        """What a page that shows this has, as it will say when it asks for more."""
        running = [str(row.number) for row in self.rows if row.state == "running"]
        return {"after": str(self.newest), "among": ",".join(running)}


def feed_of(here: Here, study: int) -> Feed:
    """The latest trials of a study."""
    found = trials_page(here.store, here.tallies, study, size=SHOWN)
    return Feed(study, found.rows, found.total)


def fresh_rows(request: Request, feed: Feed, study: StudyView) -> Markup:
    """Rows of trials that the page lacks, and of those that ended since, for htmx to put in place."""
    after = number_of(request, "after", -1, least=-1)
    said = request.query_params.get("among", "")[:1000].split(",")
    among = {int(each) for each in said if _is_number(each)}
    told = _since(request, feed, after, among)
    begun = [row for row in told if row.number > after][-MOST_NEW:]
    changed = [row for row in told if row.number <= after and row.state != "running"]
    if not begun and not changed:
        return Markup("")
    return render(request, "parts/news.html", begun=begun[::-1], changed=changed, study=study)


def _since(request: Request, feed: Feed, after: int, among: set[int]) -> Sequence[TrialView]:
    known = {row.number for row in feed.rows}
    if (
        feed.newest - after < len(feed.rows) and among <= known
    ):  # the page is nearly up to date: no need to ask
        return [row for row in feed.rows[::-1] if row.number > after or row.number in among]
    here = here_of(request)
    return trials_since(here.store, here.tallies, feed.study, after, among)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
