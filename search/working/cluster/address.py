"""Where a Ray cluster is, and whether anything answers there."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from search.errors import SearchError

CLIENT = "ray"
"""The scheme of Ray's client server, for machines that are no node of the cluster."""
ANSWERS_S = 5.0
FORMS = (
    "must be HOST:PORT (this machine is one of the cluster's nodes), ray://HOST:PORT (it is not; by default"
    " port 10001), or `auto` (the cluster that this machine is a node of)"
)


@dataclass(frozen=True)
class Address:
    """As it was written, and whom to knock at; `auto` names nobody."""

    text: str
    host: str | None = None
    port: int | None = None


def read_address(text: str) -> Address:
    """Read `--ray ADDRESS`.

    Raises:
        SearchError: it is none of the forms that Ray has.
    """
    if text == "auto":
        return Address(text)
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, a bracket that is left open
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("", CLIENT) or not host or not port or parts.path or parts.username:
        raise SearchError(f"--ray {text}: {FORMS}")
    return Address(text, host, port)


def knock(address: Address) -> None:
    """Ask whether anything answers there; Ray itself takes minutes to find that nothing does.

    Raises:
        SearchError: nothing does within five seconds.
    """
    if address.host is None:
        return
    try:
        socket.create_connection((address.host, address.port), ANSWERS_S).close()
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise SearchError(
            f"--ray {address.text}: nothing answers there ({why}); `ray start --head` says its address"
        ) from error
