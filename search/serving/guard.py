"""Who may ask at all: looked at before anything else of a request is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from search.serving.admission.study_text import MOST_BYTES
from search.serving.answers import problem

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Guard:
    """Passes a request on that has the token, comes from no foreign web page, and announces no large body.

    Without a token, whoever reaches the loopback address may ask. A web page in a browser here could
    too: it is known by its `Origin`, or by the name in `Host` that it reached the service by.
    """

    app: ASGIApp
    token: str | None
    host: str
    but: str
    """What lies below this path has doors of its own, that browsers can use."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["path"].startswith(f"{self.but}/"):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and (refused := self._refusal(scope["headers"])):
            status, why = refused
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
            await problem(status, why, {**headers, "Connection": "close"})(scope, receive, send)
        elif scope["type"] != "websocket":
            await self.app(scope, receive, send)

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        said: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            said.setdefault(name.lower(), []).append(value)
        if self.token is not None and not _right(said.get(b"authorization", []), self.token):
            return 401, "this service asks for its token: Authorization: Bearer TOKEN"
        host = said.get(b"host", [b""])[0].decode("latin-1")
        if self.token is None and _name(host) not in (*_LOOPBACK, self.host.lower()):
            return 403, "this service answers to its loopback address alone: 127.0.0.1 or localhost"
        if any(urlsplit(origin.decode("latin-1")).netloc != host for origin in said.get(b"origin", [])):
            return 403, "this service answers no other site's pages"
        if any(not (n.isdigit() and int(n[:20]) <= MOST_BYTES) for n in said.get(b"content-length", [])):
            return 413, f"at most {MOST_BYTES} bytes can be sent"
        return None


def _right(given: list[bytes], token: str) -> bool:
    """Compared in a time that tells nothing of the token, its length neither."""
    want = hashlib.sha256(f"Bearer {token}".encode()).digest()
    found = hashlib.sha256(given[0] if len(given) == 1 else b"").digest()
    return hmac.compare_digest(want, found)


def _name(host: str) -> str:
    """The name or number of a `Host` header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
