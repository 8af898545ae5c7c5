"""Where a webhook is sent: checked before any work, and never shown in full."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from search.errors import SearchError

SCHEMES = ("http", "https")


def checked(address: str) -> str:
    """The address of a webhook as it was given.

    Raises SearchError, without the address's secrets, if it is no http:// or https:// URL with a host.
    """
    parts = _split(address)
    if parts is None or parts.scheme.lower() not in SCHEMES or not parts.hostname:
        raise SearchError(
            f"--webhook: {hidden(address)} is no address to post to: write https://HOST/PATH or http://HOST/PATH"
        )
    return address


def hidden(address: str) -> str:
    """The address for logs: scheme and host; a path or a query may be a secret, as may a user's name."""
    parts = _split(address)
    if parts is None or not parts.scheme or not parts.hostname:
        return "what was given"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port is not None else ""
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{port}{rest}"


def _split(address: str) -> SplitResult | None:
    """The URL's parts; None for what is none, or would be read differently by different readers."""
    if not address.isprintable() or any(letter.isspace() or letter == "\\" for letter in address):
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # read late: raises for one that is no number
    except ValueError:
        return None
    return parts
