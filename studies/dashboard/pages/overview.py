"""All studies: what each is doing, how far it is, how fast, what it found, and what failed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studies.dashboard.here import Here, here_of
from studies.dashboard.live import Part, news, part, poll
from studies.dashboard.memory import Same
from studies.dashboard.rendering import page, render
from studies.views.studies import StudyView, all_studies
from studies.workers.submissions import Submission, submissions

PATH = "/live"


def overview(request: Request) -> Response:
    """The page."""
    parts, busy = _parts(request)
    return page(
        request,
        "overview.html",
        parts={each.id: each.html for each in parts},
        poll=poll(request, PATH, parts, busy),
    )


def live(request: Request) -> Response:
    """What is new on it."""
    return news(request, PATH, *_parts(request))


def _parts(request: Request) -> tuple[list[Part], bool]:
    here = here_of(request)
    found = _read(here)
    studies, waiting = found.value
    made = part(
        request,
        "studies",
        None,
        found,
        lambda: render(request, "parts/studies.html", studies=studies, waiting=waiting),
    )
    return [made], bool(waiting) or any(each.workers for each in studies)


def _read(here: Here) -> Same[tuple[list[StudyView], list[Submission]]]:
    version = (here.versions.of_all(here.store), here.versions.unsaid())

    def read() -> Same[tuple[list[StudyView], list[Submission]]]:
        studies = all_studies(here.store, here.tallies)
        begun = {each.name for each in studies}
        queued = [each for each in submissions(here.store, "queued") if each.name not in begun]
        return Same((studies, queued))

    return here.memory.of("overview", version, read)


ROUTES = (Route("/", overview), Route(PATH, live))
