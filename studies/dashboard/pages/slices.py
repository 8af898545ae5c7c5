"""Slice against slice: the trade-off as a picture, the front as a table, and a point to take along."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studies.dashboard.exporting import FORMS
from studies.dashboard.here import choice_of, here_of
from studies.dashboard.pages.choosing import asked
from studies.dashboard.pictures.scatter import scatter_of
from studies.dashboard.rendering import page
from studies.dashboard.soon import soon
from studies.store.rows import Split
from studies.verdicts.holdout import FOUND
from studies.views.merge import merges_among
from studies.views.slices import SlicePair, slice_pair

SPLITS: tuple[Split, ...] = ("search", "holdout")


@soon("Slices")
def slices(request: Request) -> Response:
    """The page."""
    here = here_of(request)
    found = here.study(request)
    split: Split = "holdout" if choice_of(request, "split", SPLITS) == "holdout" else "search"
    x, y, picked = (asked(request, name) for name in ("x", "y", "pick"))
    version = here.versions.of(here.store, found.id)
    told = (version.trials, here.versions.unsaid() if version.state == "judging" else None)

    def read() -> SlicePair | None:
        return slice_pair(here.store, here.tallies, found.id, x, y, split)

    pair = here.memory.of(("slices", found.id, x, y, split), told, read)
    spots, front = ((), ()) if pair is None else (pair.spots, pair.front)
    baselines = [spot for spot in spots if spot.kind not in FOUND and not spot.leading]
    return page(
        request,
        "slices.html",
        study=found,
        pair=pair,
        split=split,
        splits=SPLITS,
        picture=None if pair is None else scatter_of(pair),
        picked=next((spot for spot in spots if spot.name == picked), None),
        baselines=baselines,
        merges=merges_among(here.store, [spot.digest for spot in (*front, *baselines)]),
        forms=FORMS,
    )


ROUTES = (Route("/studies/{study:int}/slices", slices),)
