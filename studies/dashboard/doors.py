"""Who may look: whoever reaches the loopback address, elsewhere whoever knows the token."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from studies.dashboard.rendering import page

COOKIE = "crucible_dashboard"
LASTS_S = 7 * 24 * 3600
MOST_BYTES = 4096
"""Of what a browser sends: a token, or the press of a button."""
WRONG_S = 0.5
"""Who says a wrong token waits for so long."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OPEN = ("/login", "/static/")


@dataclass(frozen=True)
class Doors:
    """Passes on requests that no foreign page made, and where there is a token, of those who know it.

    A browser says it once, and then has a cookie, which no script can read and no other site can have sent;
    a program may send `Authorization: Bearer TOKEN`.
    """

    app: ASGIApp
    token: str | None
    host: str
    now: Callable[[], float] = time.time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        answer = self._refusal(Request(scope, receive)) or self.app
        await answer(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        said = request.headers
        host = said.get("host", "")
        if self.token is None and _name(host) not in (*_LOOPBACK, self.host.lower()):
            return _refuse(request, 403, "This answers to its loopback address alone, as 127.0.0.1.")
        if any(urlsplit(origin).netloc != host for origin in said.getlist("origin")):
            return _refuse(request, 403, "This answers no other site's pages.")
        if not _is_short(said):
            return _refuse(request, 413, f"At most {MOST_BYTES} bytes can be sent.")
        if self.token is None or _path(request).startswith(_OPEN) or self._knows(request, self.token):
            return None
        return page(request, "login.html", status=401, next=_here(request), wrong=False)

    def _knows(self, request: Request, token: str) -> bool:
        bearer = request.headers.get("authorization", "")
        return _same(bearer, f"Bearer {token}") or self._admits(request.cookies.get(COOKIE, ""), token)

    def _admits(self, cookie: str, token: str) -> bool:
        until, _, _ = cookie.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 15):
            return False
        return _same(cookie, cookie_of(token, int(until))) and int(until) > self.now()


def login_routes(token: str) -> list[Route]:
    """Where a browser says the token, and where it forgets it."""

    async def login(request: Request) -> Response:
        if request.method == "GET":
            return page(request, "login.html", next="/", wrong=False)
        form = await form_of(request)
        going = form.get("next", "/")
        if not _same(form.get("token", ""), token):
            await asyncio.sleep(WRONG_S)
            return page(request, "login.html", status=401, next=going, wrong=True)
        return _admit(request, token, going)

    async def logout(request: Request) -> Response:
        answer = RedirectResponse(_root(request) + "/login", 303)
        answer.delete_cookie(COOKIE, path=_root(request) or "/")
        return answer

    return [
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", logout, methods=["POST"]),
    ]


def cookie_of(token: str, until: int) -> str:
    """What shows until that time that a browser was told the token, which it does not hold."""
    key = hashlib.sha256(f"crucible dashboard {token}".encode()).digest()
    return f"{until}.{hmac.new(key, str(until).encode(), 'sha256').hexdigest()}"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a browser sent; answers 413 for more than such a form has."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"At most {MOST_BYTES} bytes can be sent.")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def place_of(request: Request, going: str) -> str:
    """A path of the dashboard's on this host, whatever was asked: two slashes would begin another's name."""
    fine = going.startswith("/") and going[1:2] not in ("/", "\\") and going.isprintable()
    return _root(request) + (going if fine else "/")


def _admit(request: Request, token: str, going: str) -> Response:
    answer = RedirectResponse(place_of(request, going), 303)
    answer.set_cookie(
        COOKIE,
        cookie_of(token, int(time.time()) + LASTS_S),
        max_age=LASTS_S,
        path=_root(request) or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _refuse(request: Request, status: int, why: str) -> Response:
    return page(request, "error.html", status=status, title="Refused", why=why)


def _is_short(said: Headers) -> bool:
    return all(n.isdigit() and int(n[:20]) <= MOST_BYTES for n in said.getlist("content-length"))


def _same(given: str, wanted: str) -> bool:
    """Compared in a time that tells nothing of what is wanted, its length neither."""
    digests = [hashlib.sha256(each.encode("utf-8", "surrogateescape")).digest() for each in (given, wanted)]
    return hmac.compare_digest(*digests)


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


def _path(request: Request) -> str:
    return request.scope["path"].removeprefix(_root(request)) or "/"


def _here(request: Request) -> str:
    """Where a page that was asked for is, to be asked for again."""
    if request.method != "GET":
        return "/"
    return _path(request) + (f"?{request.url.query}" if request.url.query else "")


def _name(host: str) -> str:
    """The name or number of a `Host` header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
