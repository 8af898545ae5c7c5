"""What `crucible serve` was started with."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from search.errors import SearchError
from search.serving.admission.model_folders import ModelFolders

PORT = 8642
EXPORTS = "exports"
"""Of the service's folder the part where exports lie until they are sent."""
TOKEN = "CRUCIBLE_TOKEN"
"""The environment variable that holds the token: a command line can be read by every user of the machine."""


@dataclass(frozen=True)
class Settings:
    """How the service is reached, what it may read, and how it runs what it is given."""

    storage: str
    models: ModelFolders
    folder: Path
    """Its own: study files, logs of runs, exports on their way."""
    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = None
    allow_hub: bool = False
    workers: int | None = None
    """Worker processes of each study; None: one for each GPU."""
    ray: str | None = None
    """The address of a Ray cluster that the workers are placed on."""


def address_of(host: str, port: int, token: str | None) -> tuple[socket.AddressFamily, str]:
    """The family and number of the address to listen at.

    Raises:
        SearchError: there is no such address, or it can be reached from elsewhere and no token is asked for.
    """
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise SearchError(f"--token: must be letters, digits and signs without spaces; see {TOKEN}")
    places = _places(host, port)
    if not places:
        raise SearchError(f"--host {host!r}: no such address; write 127.0.0.1 or one of this machine")
    family, number = places[0]
    if token is None and not ipaddress.ip_address(number.partition("%")[0]).is_loopback:
        raise SearchError(
            f"--host {host}: can be reached from other machines; give --token, or {TOKEN} in the environment"
        )
    return family, number


def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    if not host:  # to a socket that is every address there is
        return []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, str(place[0])) for family, _, _, _, place in found]
