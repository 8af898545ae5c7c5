"""`crucible submit`: a study file handed to a service. Needs none of the service's packages."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from search.errors import SearchError
from search.serving.admission.study_text import MOST_BYTES
from search.serving.refusals import one_line

PATIENCE_S = 60.0


def submit(
    study: Path, url: str, token: str | None, options: Mapping[str, str | int | float]
) -> dict[str, Any]:
    """Queue a study file with a service; return the study as the service shows it.

    Raises:
        SearchError: the file cannot be read, no service answers at `url`, or it refuses, with its own words.
    """
    address, text = f"{_checked(url)}/studies", _read(study)
    headers = {"Content-Type": "application/yaml"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        # Redirects are not followed: the token is for this address. A proxy leads away from this machine.
        answer = httpx.post(
            address,
            content=text,
            params=options,
            headers=headers,
            timeout=PATIENCE_S,
            trust_env=not _is_here(url),
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise SearchError(
            f"{url}: no service answers there ({one_line(str(error)) or type(error).__name__});"
            " start one with `crucible serve`, or check --url"
        ) from None
    return _told(answer, url)


def _told(answer: httpx.Response, url: str) -> dict[str, Any]:
    """What the service says: of a study that it queued, or why it refuses."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict) and answer.status_code == 201:
        return found
    if isinstance(found, dict) and "error" in found:
        raise SearchError(f"{url}: {one_line(str(found['error']))}")
    raise SearchError(f"{url}: what answers there ({answer.status_code}) is no service of ours; check --url")


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        good = False
    if not good or any(c.isspace() or not c.isprintable() for c in url):
        raise SearchError(f"--url {url!r}: is no address of a service; write http://HOST:PORT")
    return url.rstrip("/")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(study: Path) -> bytes:
    try:
        with study.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SearchError(f"{study}: cannot be read: {error.strerror}") from error
    if len(text) > MOST_BYTES:
        raise SearchError(f"{study}: a study file has at most {MOST_BYTES} bytes")
    return text
