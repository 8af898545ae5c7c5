"""What leaves the service: JSON that every parser reads, and errors of one line."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from evaluators.errors import EvaluatorsError
from merging.errors import MergingError
from search.errors import SearchError
from search.serving.discretion import Discretion
from search.serving.refusals import Refused, one_line
from studies.errors import StorageError, StudiesError, StudyHeld, StudyNotFound

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """Why there is no result, in one line."""

    error: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": why}
    for status, why in {
        400: "what was sent cannot be used",
        401: "no token, or a wrong one",
        403: "not from here, or not for you",
        404: "there is no such study or candidate",
        409: "the study is in no state for this",
        413: "too large",
        415: "not of a type that this takes",
        422: "a parameter is not what it must be",
        503: "the database does not answer",
    }.items()
}


class Json(Response):
    """JSON in ASCII; numbers that JSON has no word for are null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """As bytes."""
        return json.dumps(_finite(content), allow_nan=False).encode("ascii")


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Json:
    """An error as the service answers it."""
    return Json({"error": one_line(message)}, status, headers)


def answer_errors(app: FastAPI, discretion: Discretion) -> None:
    """Have the app answer every error in one line of JSON that tells nothing of this machine."""

    def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        return problem(error.status_code, f"{error.detail.lower()}: see /openapi.json", headers)

    def of_parameters(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem(422, _parameter(error.errors()[0]))

    def of_users(request: Request, error: Exception) -> Response:
        if isinstance(error, Refused):  # said for whoever asks
            return problem(error.status, str(error))
        level = logging.WARNING if isinstance(error, StorageError) else logging.INFO
        logger.log(level, "%s %s: %s", request.method, request.url.path, error)
        return problem(_status(error), discretion(str(error)))

    def of_ours(request: Request, error: Exception) -> Response:
        return problem(500, "the service failed; its log says of what")

    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_parameters)
    for kind in (SearchError, StudiesError, MergingError, EvaluatorsError):
        app.add_exception_handler(kind, of_users)
    app.add_exception_handler(Exception, of_ours)


def _status(error: Exception) -> int:
    statuses = {StorageError: 503, StudyHeld: 409, StudyNotFound: 404}
    return next((status for kind, status in statuses.items() if isinstance(error, kind)), 400)


def _parameter(error: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {error['msg'][0].lower()}{error['msg'][1:]}; found {str(error.get('input'))[:80]!r}"


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
