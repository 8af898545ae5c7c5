"""A candidate as a file to take along."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from merging.recipe import Recipe, dump_recipe
from studies.dashboard.exporting import FILES, Exporter
from studies.dashboard.here import here_of
from studies.dashboard.pages.choosing import find
from studies.errors import StudyNotFound


def take(request: Request) -> Response:
    """The file; answers 409 in one line where it can't be written, and with what to type instead."""
    here = here_of(request)
    found, form = here.study(request), request.path_params["form"]
    if form not in FILES:
        raise HTTPException(404, "There is a recipe of every merge, and mergekit's YAML: no other file.")
    entry = find(here, found, request.path_params["candidate"])
    subject = here.store.subject(entry.digest)
    if not isinstance(subject, Recipe):
        raise StudyNotFound(f"{entry.name} is a model and no merge: it has no recipe")
    text = dump_recipe(subject) if form == "recipe" else _mergekit(here.exporter, found.name, entry.name)
    named = f'attachment; filename="{_plain(f"{found.name} {entry.name}")}.{FILES[form]}"'
    return Response(text, media_type="application/yaml", headers={"Content-Disposition": named})


def _mergekit(exporter: Exporter | None, study: str, candidate: str) -> str:
    if exporter is None:
        raise HTTPException(
            409, f"Type: crucible export {study} --candidate '{candidate}' --format mergekit --out OUT"
        )
    try:
        return exporter(study, candidate, "mergekit")
    except ValueError as error:
        raise HTTPException(409, str(error)) from error


def _plain(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._+-") else "-" for c in text)


ROUTES = (Route("/studies/{study:int}/export/{form:str}/{candidate:path}", take),)
