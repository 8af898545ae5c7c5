"""The socket that browsers and programs connect to, taken before anything else is done."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from search.errors import SearchError
from search.serving.settings import address_of

OFFERED = 100
"""How many ports after one that is taken are looked at for one that is free."""


@contextmanager
def listening(host: str, port: int, token: str | None) -> Iterator[socket.socket]:
    """A socket that listens at an address; 0 takes any free port.

    Raises:
        SearchError: there is no such address, it is open to others without a token, or its port is taken.
    """
    family, number = address_of(host, port, token)
    with socket.socket(family, socket.SOCK_STREAM) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((number, port))
            found.listen()  # who connects from now on waits until requests are answered
        except OSError as error:
            raise SearchError(_refusal(family, number, port, error)) from error
        yield found


def url_of(found: socket.socket) -> str:
    """Where it listens."""
    number, port = found.getsockname()[:2]
    return f"http://[{number}]:{port}" if ":" in number else f"http://{number}:{port}"


def _refusal(family: socket.AddressFamily, number: str, port: int, error: OSError) -> str:
    said = f"--port {port}: cannot be listened at ({error.strerror})"
    free = _next_free(family, number, port) if error.errno == errno.EADDRINUSE else None
    return f"{said}; name another" if free is None else f"{said}; the next that is free: --port {free}"


def _next_free(family: socket.AddressFamily, number: str, port: int) -> int | None:
    for other in range(port + 1, min(port + 1 + OFFERED, 65536)):
        with socket.socket(family, socket.SOCK_STREAM) as tried, suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((number, other))
            return other
    return None
