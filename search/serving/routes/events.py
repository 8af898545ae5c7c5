"""What happens in a study, as server-sent events: read from the database, whoever works on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from search.serving.routes.views import StudyView, view_of
from search.serving.service import Service
from studies.errors import StudiesError
from studies.store.rows import Candidate
from studies.trials import estimates_of
from studies.verdicts.savings import spared
from studies.verdicts.steering import Score, search_scores

LOOK_S = 1.0
PING_S = 15.0
"""Between two signs of life: proxies end a connection that says nothing."""
OVER = ("complete", "stopped", "failed")
"""States in which nothing more happens by itself."""

Event = tuple[str, dict[str, Any]]


@dataclass
class _Watch:
    """What was said of a study so far."""

    service: Service
    name: str
    view: StudyView | None = None
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    """The state of each candidate, by kind and name."""

    def look(self) -> list[Event]:
        """What is new; at first, everything. The study's state, maybe its last, comes after the rest."""
        view = view_of(self.service, self.name)
        events = list(self._candidates())
        if self.view is None or _without_beats(view) != _without_beats(self.view):
            events.append(("study", view.model_dump(mode="json")))
        self.view = view
        return events

    def _candidates(self) -> Iterator[Event]:
        study = self.service.study(self.name)
        if study is None:
            return
        store = self.service.store
        known = store.candidates(study)
        new = [each for each in known if self.said.get((each.kind, each.name)) != each.state]
        scores = search_scores(store, study, [each.digest for each in new if each.state == "complete"])
        stopped = self._stopped(study, [each for each in new if each.state == "pruned"])
        for each in new:
            self.said[each.kind, each.name] = each.state
            yield "candidate", {**self._said_of(each, scores.get(each.digest)), **stopped.get(each.name, {})}

    def _stopped(self, study: int, rows: Sequence[Candidate]) -> dict[str, dict[str, Any]]:
        """Of those stopped early, by name: an estimate of the score, and how many items they were asked."""
        found: dict[str, dict[str, Any]] = {}
        estimates = estimates_of(self.service.store.engine, self.name) if rows else {}
        for each in rows:
            items, left = spared(self.service.store, study, each)
            estimate = None if each.trial is None else estimates.get(each.trial)
            found[each.name] = {"estimate": estimate, "asked": items - left, "items": items}
        return found

    def _said_of(self, each: Candidate, score: Score | None) -> dict[str, Any]:
        reason = None if each.reason is None else self.service.discretion(each.reason)
        named = {"kind": each.kind, "name": each.name, "trial": each.trial, "digest": each.digest}
        return {**named, "state": each.state, "reason": reason, "score": score}


def _without_beats(view: StudyView) -> StudyView:
    """A view less what changes with every sign of life that a worker gives."""
    return view.model_copy(update={"workers": []})


async def watch(service: Service, name: str, follow: bool) -> AsyncIterator[bytes]:
    """The events of a study from its beginning: to its end, or, unless they are followed, to now."""
    watching, quiet = _Watch(service, name), 0.0
    while True:
        try:
            events = await run_in_threadpool(watching.look)
        except StudiesError as error:  # a database that is away
            yield _encoded("problem", {"error": service.discretion(str(error))})
            return
        for kind, data in events:
            yield _encoded(kind, data)
        if not follow or (watching.view is not None and watching.view.state in OVER):
            yield _encoded("end", {})
            return
        quiet = 0.0 if events else quiet + LOOK_S
        if quiet >= PING_S:
            quiet = 0.0
            yield b": still here\n\n"
        await asyncio.sleep(LOOK_S)


def _encoded(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode("ascii")
