"""A merge, layer by layer: heat maps of what each expert counts, beside another merge if one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studies.dashboard.exporting import FORMS
from studies.dashboard.here import Here, here_of
from studies.dashboard.pages.choosing import asked, best_of, find, offered
from studies.dashboard.pictures.heat import Table, farthest, heat_table
from studies.dashboard.rendering import page
from studies.dashboard.soon import soon
from studies.objectives.goals import goals_of
from studies.store.rows import StudySummary
from studies.verdicts.holdout import FOUND
from studies.views.merge import MergeView, between, merge_view
from studies.views.trials import TrialView, one_trial

NOTES = {
    "weight": "How much of each expert goes in.",
    "density": "The share of each expert's changes that is kept.",
    "gamma": "The share of the largest changes that is dropped.",
    "epsilon": "How far the chance to be kept varies with size.",
    "lambda": "The scale of all experts' changes together.",
}
DIFFERENCE = (
    "What each expert counts (weight times lambda, a share of the sum where weights are normalized) less"
    " what it counts in the uniform merge, 1/{n}."
)


@dataclass(frozen=True)
class Shown:
    """One merge as the page shows it."""

    view: MergeView
    trial: TrialView | None
    farthest: str | None
    tables: tuple[Table, ...]


@soon("Merge")
def merge(request: Request) -> Response:
    """The page."""
    here = here_of(request)
    found = here.study(request)
    name = request.path_params.get("trial") or asked(request, "of") or best_of(here, found)
    if name is None:
        return page(request, "merge.html", study=found, shown=[], differing=[], names=[], forms=FORMS)
    goals = goals_of(here.store.identity(found.id))
    names = [each for each in (name, asked(request, "beside")) if each is not None]
    views = [merge_view(here.store, found.id, find(here, found, each).name) for each in names]
    return page(
        request,
        "merge.html",
        study=found,
        shown=[_shown(here, found, view, views) for view in views],
        differing=list(between(views[0], views[1])) if len(views) > 1 else [],
        names=offered(here, found),
        kind=goals[0].kind,
        forms=FORMS,
    )


def _shown(here: Here, found: StudySummary, view: MergeView, views: Sequence[MergeView]) -> Shown:
    of_search = view.kind in FOUND and view.trial is not None
    trial = one_trial(here.store, here.tallies, found.id, view.trial or 0) if of_search else None
    return Shown(view, trial, farthest(view), tuple(_tables(view, views)))


def _tables(view: MergeView, views: Sequence[MergeView]) -> list[Table]:
    """The maps of one merge, in the colours of all that are shown."""
    made = []
    if view.difference is not None:
        beside = [each.difference for each in views if each.difference is not None]
        note = DIFFERENCE.format(n=len(view.experts))
        made.append(heat_table("Difference from uniform", note, view.places, view.difference, beside, True))
    for found in view.maps:
        beside = [each for one in views for each in one.maps if each.name == found.name]
        note = NOTES.get(found.name, "")
        made.append(heat_table(found.name.capitalize(), note, view.places, found, beside))
    return made


ROUTES = (
    Route("/studies/{study:int}/merge", merge),
    Route("/studies/{study:int}/merge/{trial:str}", merge),
)
