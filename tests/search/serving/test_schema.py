"""Whatever the schema allows, and much that it does not, is answered as the schema says: never with a 5xx."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.schemas import BaseSchema

from search.serving.admission.model_folders import ModelFolders
from search.serving.app import create_app
from search.serving.queue import Queue
from search.serving.settings import Settings
from studies.store import StudyStore
from tests.search.conftest import TINY
from tests.search.serving.conftest import study_text

CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
OPERATIONS = (
    ("POST", "/studies"),
    ("GET", "/studies"),
    ("GET", "/studies/{name}"),
    ("POST", "/studies/{name}/pause"),
    ("POST", "/studies/{name}/resume"),
    ("POST", "/studies/{name}/stop"),
    ("GET", "/studies/{name}/events"),
    ("GET", "/studies/{name}/leaderboard"),
    ("GET", "/studies/{name}/items"),
    ("GET", "/studies/{name}/export"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
)
STUDIES = ("finished", "tiny", "nobody", "a/b", "..", "%", "\0", "ä" * 150)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, studied: Path) -> Iterator[BaseSchema]:
    """The schema of a service that has a finished study, and one that waits."""
    folder = tmp_path_factory.mktemp("schema")
    shutil.copy(studied, folder / "crucible.db")
    models = ModelFolders.at([TINY])
    given = Settings(f"sqlite:///{folder / 'crucible.db'}", models, folder / "service", host="testserver")
    with StudyStore(given.storage) as store:
        queue = Queue(store, given, ((),))
        queue.add("tiny", study_text(), {})
        yield schemathesis.openapi.from_asgi("/openapi.json", create_app(given, store, queue))


def known_names(case: schemathesis.Case) -> None:
    """Ask of studies that there are, too; and of events only those that are there already."""
    if case.operation.path.endswith("/events"):
        case.query = {**(case.query or {}), "follow": "false"}
    if case.path_parameters and not case.operation.path.endswith("/export"):
        named = str(case.path_parameters.get("name", ""))
        case.path_parameters["name"] = STUDIES[len(named) % len(STUDIES)]


def test_all_operations_are_looked_at(api: BaseSchema) -> None:
    found = {(each.ok().method.upper(), each.ok().path) for each in api.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_keeps_to_its_schema(api: BaseSchema, method: str, path: str) -> None:
    checks: list[Any] = CHECKS.get_by_names(list(CHECKED))

    @given(case=api[path][method].as_strategy())
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case) -> None:
        known_names(case)
        case.call_and_validate(checks=checks)

    holds()
