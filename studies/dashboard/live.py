"""What changed on a page that is open: a browser says what it has, and is sent the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from studies.dashboard.here import here_of
from studies.dashboard.rendering import render

BUSY_S, IDLE_S = 3, 15
"""Between two looks of a browser at a study that somebody works on, and at one that nobody does."""


@dataclass(frozen=True)
class Part:
    """What lies in the element of that id."""

    id: str
    html: Markup
    digest: str

    @classmethod
    def of(cls, name: str, html: Markup) -> Part:
        """With its digest."""
        return cls(name, html, hashlib.sha256(html.encode()).hexdigest()[:8])

    def fresh(self) -> Markup:
        """As htmx puts it in place of what is there."""
        return Markup('<div hx-swap-oob="innerHTML:#{}">{}</div>').format(self.id, self.html)


Make = Callable[[], Markup]


def part(request: Request, name: str, key: object, version: object, make: Make) -> Part:
    """A part of a page, rendered once per version; `key` is whose part it is."""
    root = request.scope.get("root_path", "")
    return here_of(request).memory.of(("part", name, key, root), version, lambda: Part.of(name, make()))


def seen(parts: Iterable[Part]) -> str:
    """What a browser has of a page, as it will say so."""
    return ",".join(f"{each.id}:{each.digest}" for each in parts)


def poll(request: Request, path: str, parts: Sequence[Part], busy: bool, **more: str) -> Markup:
    """The element that asks `path` for what is new, every few seconds."""
    query = {"seen": seen(parts), **more}
    every = BUSY_S if busy else IDLE_S
    return render(request, "parts/poll.html", path=path, query=query, every=every, newest=seen(parts))


def news(
    request: Request, path: str, parts: Sequence[Part], busy: bool, extra: str = "", **more: str
) -> Response:
    """The parts that the browser does not have, and `extra`; 204 if that is nothing."""
    had = _said(request.query_params.get("seen", ""))
    fresh = [each for each in parts if had.get(each.id) != each.digest]
    if not fresh and not extra:
        return Response(status_code=204)
    told = Markup("").join(each.fresh() for each in fresh)
    return HTMLResponse(poll(request, path, parts, busy, **more) + told + Markup(extra))


def _said(text: str) -> Mapping[str, str]:
    pairs = (each.partition(":") for each in text[:2000].split(","))
    return {name: digest for name, _, digest in pairs}
