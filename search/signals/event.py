"""What a webhook is told: how a study ended, failed, or that it stands still."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

VERSION = 1
"""Of the body; fields may be added to a version, and none change their meaning."""
LONGEST = 1500
"""Characters of a reason or a conclusion: chat services refuse messages that are much longer."""

Kind = Literal["ended", "failed", "stalled"]


@dataclass(frozen=True)
class Event:
    """One thing that happened to a study."""

    kind: Kind
    study: str
    state: str
    """As `crucible status` says it."""
    at: datetime
    """When it was noticed, UTC."""
    mark: str
    """What tells it from the study's other events: equal for all who notice the same."""
    reason: str | None = None
    trials: int = 0
    failed: int = 0
    workers: int = 0
    """At work now."""
    conclusion: str | None = None
    """What the leaderboard proves, where the study is complete."""

    @property
    def id(self) -> str:
        """The same for every process that tells of the same event, so that a receiver can drop repeats."""
        said = "\n".join((self.kind, self.study, self.state, self.mark))
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def text(self) -> str:
        """One line for a person."""
        why = _cut(self.conclusion or self.reason)
        counts = f"{self.trials} trials complete, {self.failed} failed"
        said = {"ended": f"is {self.state}", "failed": "failed", "stalled": "has stalled"}[self.kind]
        return f"Crucible: study {self.study} {said} ({counts})" + (f": {why}" if why else "")

    def body(self) -> dict[str, Any]:
        """The JSON that is posted; `text` and `content` are what chat services show."""
        return {
            "version": VERSION,
            "id": self.id,
            "event": self.kind,
            "study": self.study,
            "state": self.state,
            "reason": _cut(self.reason),
            "trials": {"complete": self.trials, "failed": self.failed},
            "workers": self.workers,
            "conclusion": _cut(self.conclusion),
            "host": socket.gethostname(),
            "at": f"{self.at.isoformat(timespec='seconds')}Z",
            "text": self.text(),
            "content": self.text(),
        }


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 1]}…"
