"""HTML of templates; whatever comes of the database is escaped."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from studies.dashboard.here import here_of
from studies.dashboard.wording import FILTERS

PLACE = Path(__file__).parent
STATIC = PLACE / "static"


@cache
def environment() -> Environment:
    """The templates, read once."""
    found = Environment(
        loader=FileSystemLoader(PLACE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters.update(FILTERS)
    return found


@cache
def print_of(file: str) -> str:
    """A short digest of a static file: browsers keep it until it is another."""
    return hashlib.sha256((STATIC / file).read_bytes()).hexdigest()[:12]


def render(request: Request, template: str, **context: Any) -> Markup:
    """A template's text, in which `url('/path')` and `static('file')` lead to where the dashboard is."""
    root = request.scope.get("root_path", "")
    here = here_of(request)
    common = {
        "url": lambda path: f"{root}{path}",
        "static": lambda file: f"{root}/static/{file}?v={print_of(file)}",
        "told": here.discretion,
        "control": here.control,
        "asks": request.app.state.asks,
    }
    return Markup(environment().get_template(template).render(**common, **context))


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page, as an answer."""
    return HTMLResponse(render(request, template, **context), status)
