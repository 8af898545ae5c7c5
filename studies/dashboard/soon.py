"""Pages that answer at once, also where what they show takes long to be read the first time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from studies.dashboard.here import Here, here_of, number_of
from studies.dashboard.rendering import page
from studies.errors import StudiesError

PROMPT_S = 0.6
"""What people take for at once."""
MOST_S = 60

Page = Callable[[Request], Response]

_readers = ThreadPoolExecutor(thread_name_prefix="reading")


def soon(tab: str) -> Callable[[Page], Page]:
    """Make a page about a study say that it is being read, and show itself once it was; `tab` names it."""

    def promptly(made: Page) -> Page:
        @wraps(made)
        def answer(request: Request) -> Response:
            study = here_of(request).study(request)
            patience = number_of(request, "wait", 0, most=MOST_S) or PROMPT_S
            try:
                # What was read stays, so that asking again takes no longer than what is left of it.
                return _readers.submit(made, request).result(patience)
            except TimeoutError:
                again = request.url.include_query_params(wait=MOST_S).query
                path = request.url.path
                return page(request, "reading.html", study=study, tab=tab, again=f"{path}?{again}")

        return answer

    return promptly


def warm(here: Here, read: Callable[[Here, str, int], object]) -> None:
    """Read what pages need of every study before somebody asks, in a thread that nobody waits for."""

    def work() -> None:
        with suppress(StudiesError):  # whoever asks is told
            for each in reversed(here.store.studies()):
                read(here, each.name, each.id)

    threading.Thread(target=work, name="warming", daemon=True).start()
