"""What may be done to a study from its page, where whoever serves the pages lets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

Action = Literal["pause", "resume", "stop"]


class Control(Protocol):
    """Pauses, resumes and stops studies by their names."""

    def offers(self) -> Mapping[str, Sequence[Action]]:
        """By the name of each study, what can be done to it as it stands."""

    def act(self, action: Action, name: str) -> None:
        """Do it; raises ValueError in one line if the study is in no state for it."""
