"""What people ask of all who work on a study, from anywhere: to pause, to go on, to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from studies.store import StudyStore
from studies.workers.register import living
from studies.workers.wishes import ask, asked

Wish = Literal["pause", "stop"]


@dataclass(frozen=True)
class Asked:
    """What was asked, and of how many."""

    study: str
    wish: Wish | None
    workers: int

    def to_json(self) -> dict[str, Any]:
        """As `crucible pause --json` prints it."""
        return vars(self)

    def to_text(self) -> str:
        """One line for a person."""
        if not self.workers:
            nobody = "nobody works on it"
            return {
                None: f"{self.study}: {nobody}; `crucible run` goes on with it",
                "pause": f"{self.study}: {nobody}; workers that come will wait for `crucible resume`",
                "stop": f"{self.study}: {nobody}",
            }[self.wish]
        whose = "its worker" if self.workers == 1 else f"its {self.workers} workers"
        return {
            None: f"{self.study}: {whose} may go on",
            "pause": f"{self.study}: {whose} will wait after the batch in flight, until `crucible resume`",
            "stop": f"{self.study}: {whose} will end after the batch in flight; `crucible run` goes on",
        }[self.wish]


def tell(url: str, study: str, wish: Wish | None) -> Asked:
    """Ask it of the study's workers, those to come included; None takes back what was asked.

    Raises StudiesError: the store cannot be opened, or has no such study.
    """
    with StudyStore(url, create=False, patience=0.0) as store:
        number = store.study(study)
        ask(store, number, wish)
        return Asked(study, wish, len(living(store, number)))


def take_back(store: StudyStore, study: str) -> None:
    """Who runs a study wants it to go on, whatever was asked before."""
    for each in store.studies():
        if each.name == study and asked(store, each.id) is not None:
            ask(store, each.id, None)
