"""What the buttons of the dashboard do inside the service: as its paths do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.serving.routes.studies import pause, resume, stop
from search.serving.routes.views import StudyView, views
from search.serving.service import Service
from studies.dashboard.control import Action
from studies.store.rows import AT_WORK

_ACTS = {"pause": pause, "resume": resume, "stop": stop}


@dataclass(frozen=True)
class Steering:
    """Pauses, resumes and stops the service's studies."""

    service: Service

    def offers(self) -> Mapping[str, Sequence[Action]]:
        """By name, what can be done to each study as it stands."""
        return {view.name: _offered(view) for view in views(self.service)}

    def act(self, action: Action, name: str) -> None:
        """Do it; raises Refused, or what the store says, if the study is in no state for it."""
        _ACTS[action](name, self.service)


def _offered(view: StudyView) -> Sequence[Action]:
    if view.state in AT_WORK:
        return ("pause", "stop")
    if view.state == "paused":
        return ("resume", "stop")
    if view.state in ("queued", "starting"):
        return ("stop",)
    return ("resume",) if view.submitted_at is not None else ()
