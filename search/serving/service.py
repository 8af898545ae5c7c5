"""What every request is answered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from search.serving.discretion import Discretion
from search.serving.queue import Queue
from search.serving.refusals import Refused
from search.serving.settings import Settings
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.workers.submissions import Submission, submission


@dataclass(frozen=True)
class Service:
    """The settings, the database, the queue before it, and what is not told of any of them."""

    settings: Settings
    store: StudyStore
    queue: Queue
    discretion: Discretion

    def study(self, name: str) -> int | None:
        """The id of a study that has begun."""
        return next((each.id for each in self.store.studies() if each.name == name), None)

    def begun(self, name: str) -> int:
        """The id of a study that has begun; refuses any other name."""
        found = self.study(name)
        if found is None:
            waits = ": it has not begun" if self.submitted(name) is not None else ""
            raise Refused(404, f"no study of that name has results{waits}; GET /studies lists all")
        return found

    def submitted(self, name: str) -> Submission | None:
        """What was submitted under a name."""
        if not name.isprintable():  # nothing that a database must be asked
            return None
        try:
            return submission(self.store, name)
        except StudyNotFound:
            return None


def _service(request: Request) -> Service:
    found = request.app.state.service
    assert isinstance(found, Service)
    return found


Here = Annotated[Service, Depends(_service)]
Name = Annotated[str, Path(max_length=200, description="A study's name, as its file says.")]
