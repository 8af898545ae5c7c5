"""What the service answers instead of a result, and with which HTTP status."""

from __future__ import annotations

from search.errors import SearchError

MOST_SAID = 500
"""Characters of an error that a client is told."""


class Refused(SearchError):  # noqa: N818 - reads as the fact that it reports
    """A request that the service does not do; the message is fit for whoever asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def one_line(text: str) -> str:
    """A text as one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_SAID else line[: MOST_SAID - 1] + "…"
