"""What the service tells of trials that were stopped early: estimates, never as scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.store import StudyStore
from studies.store.rows import Candidate
from tests.faults.studies import NAME, proposals, write_study
from tests.search.serving.conftest import Served
from tests.search.serving.test_api import events_of, refused

ITEMS = 96
"""Of both slices."""


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a study that the fake engine came to the end of, some of its trials stopped."""
    folder = tmp_path_factory.mktemp("raced")
    file = write_study(folder, 12, search=ITEMS // 2, racing={"error": 0.5, "blocks": 8})
    run_study(load_study(file), f"sqlite:///{folder / 'crucible.db'}", Display(Console(quiet=True)))
    return folder / "crucible.db"


@pytest.fixture
def service(serving: Callable[..., Served], raced: Path) -> Served:
    return serving(raced)


@pytest.fixture(scope="module")
def stopped(raced: Path) -> list[Candidate]:
    with StudyStore(f"sqlite:///{raced}", create=False) as store:
        return [row for row in store.candidates(store.study(NAME)) if row.state == "pruned"]


def test_a_study_says_how_many_there_are_and_what_that_saved(
    service: Served, stopped: list[Candidate]
) -> None:
    view = service.get(f"/studies/{NAME}").json()
    assert (view["trials"], view["pruned"], view["failed"]) == (12, len(stopped), 0)
    assert 0 < view["racing"]["share"] < 1
    assert view["racing"]["pruned"] == len(stopped)
    assert service.get("/studies").json() == [view]


def test_events_tell_an_estimate_from_a_score(service: Served, stopped: list[Candidate]) -> None:
    told = [data for kind, data in events_of(service.get(f"/studies/{NAME}/events")) if kind == "candidate"]
    found = {data["name"]: data for data in told}
    estimates = proposals(service.settings.storage)
    for row in stopped:
        said = found[row.name]
        assert (said["state"], said["score"], said["items"]) == ("pruned", None, ITEMS)
        assert said["estimate"] == estimates[row.trial or 0][1]
        assert said["asked"] in (32, 64)
        assert said["reason"] == row.reason
    others = [data for data in told if data["state"] != "pruned"]
    assert others
    assert not any("estimate" in data for data in others)


def test_none_is_on_the_leaderboard(service: Served, stopped: list[Candidate]) -> None:
    rows = service.get(f"/studies/{NAME}/leaderboard").json()
    assert not {row.name for row in stopped} & {row["name"] for row in rows}


def test_its_answers_are_those_to_what_it_was_asked(service: Served, stopped: list[Candidate]) -> None:
    query = {"trial": stopped[0].trial, "slice": "one"}
    assert len(service.get(f"/studies/{NAME}/items", params=query).json()) in (16, 32)
    refused(service.get(f"/studies/{NAME}/items", params={**query, "split": "holdout"}), 400, "no holdout")


def test_its_recipe_can_be_taken(service: Served, stopped: list[Candidate]) -> None:
    query = {"trial": stopped[0].trial, "format": "recipe"}
    answer = service.get(f"/studies/{NAME}/export", params=query)
    assert answer.status_code == 200, answer.text
    assert "method: ties" in answer.text
    refused(service.get(f"/studies/{NAME}/export", params={"trial": 99}), 404, "no trial 99")


def test_the_schema_describes_what_a_study_says(service: Served) -> None:
    view = service.get("/openapi.json").json()["components"]["schemas"]["StudyView"]["properties"]
    assert {"pruned", "racing"} <= view.keys()
    json.dumps(view)
