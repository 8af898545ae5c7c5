"""A fusion: who could be what and became what, how well tokenizers agree, training, before and after."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studies.dashboard.here import here_of
from studies.dashboard.memory import Same
from studies.dashboard.pictures.heat import cell
from studies.dashboard.pictures.lines import plots_of
from studies.dashboard.rendering import page
from studies.dashboard.soon import soon
from studies.views.fusion import FusionView, fusion_view


@soon("Fusion")
def fusion(request: Request) -> Response:
    """The page."""
    here = here_of(request)
    found = here.study(request)
    version = (here.versions.of(here.store, found.id).trials, here.versions.unsaid())

    def read() -> Same[FusionView | None]:
        return Same(fusion_view(here.store, found.name))

    view = here.memory.of(("fusion", found.id), version, read).value
    ids = {each.name: each.id for each in here.store.studies()}
    if view is None:
        return page(request, "fusion.html", study=found, view=None)
    return page(
        request,
        "fusion.html",
        study=found,
        view=view,
        ids=ids,
        slices=list(view.contestants[0].holdout) if view.contestants else [],
        coverage=_coverage(view),
        plots=plots_of(view.runs),
    )


def _coverage(view: FusionView) -> list[tuple[str, list[tuple[str, str]]]]:
    """By contestant, to each of them: the share in percent, and its shade."""
    names = [each.name for each in view.contestants]

    def written(share: float | None, own: bool) -> tuple[str, str]:
        if own or share is None:
            return "–" if own else "?", "none"
        return f"{100 * share:.0f} %", cell(share, 1.0, signed=False).shade

    return [
        (each.name, [written(each.coverage.get(name), name == each.name) for name in names])
        for each in view.contestants
    ]


ROUTES = (Route("/studies/{study:int}/fusion", fusion),)
