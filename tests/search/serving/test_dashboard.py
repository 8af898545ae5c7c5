"""The dashboard inside the service: the same doors, and buttons that do what the API's paths do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from studies.dashboard.doors import COOKIE
from studies.workers.wishes import asked
from tests.search.serving.conftest import HERE, Served, study_text

TOKEN = "correct-horse-battery"


def test_it_is_below_a_path_of_its_own(finished_service: Served) -> None:
    page = finished_service.get("/dashboard/")
    assert page.status_code == 200
    assert 'href="/dashboard/studies/1"' in page.text
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert all(finished_service.get(file).status_code == 200 for file in files)
    assert finished_service.get("/dashboard/studies/1").status_code == 200
    assert finished_service.get("/dashboard").headers["location"].endswith("/dashboard/")


def test_a_browser_logs_in_once_and_the_api_takes_no_cookie(
    serving: Callable[..., Served], studied: Path
) -> None:
    served = serving(studied, token=TOKEN, host="0.0.0.0")
    assert served.get("/dashboard/").status_code == 401
    answer = served.post("/dashboard/login", data={"token": TOKEN, "next": "/studies/1"})
    assert answer.headers["location"] == "/dashboard/studies/1"
    assert "Path=/dashboard" in answer.headers["set-cookie"]
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    assert cookie["Cookie"].startswith(COOKIE)
    assert served.get("/dashboard/studies/1", headers=cookie).status_code == 200
    for path in ("/studies", "/dashboardx", "/dashboard"):
        assert served.get(path, headers=cookie).status_code == 401, path


def test_its_buttons_pause_resume_and_stop(served: Served) -> None:
    served.submit(study_text(name="waits"))
    assert re.findall(r'name="action" value="(\w+)"', served.get("/dashboard/").text) == ["stop"]
    study = served.store.begin("works", {})
    served.store.set_state(study, "searching")

    def press(action: str, name: str, **more: str) -> int:
        form = {"action": action, "name": name, "back": "/"}
        return served.post("/dashboard/act", data=form, headers=more).status_code

    assert press("stop", "waits") == 303
    assert served.queue.store.studies()
    assert press("pause", "waits") == 409
    assert press("dance", "waits") == 400
    assert press("stop", "nobody") == 409
    assert press("resume", "waits", Origin="http://evil.example") == 403
    assert press("resume", "waits", Origin=HERE) == 303


def test_a_paused_study_says_so_and_can_be_resumed(finished_service: Served) -> None:
    store = finished_service.store
    finished_service.queue.add("finished", study_text(name="finished"), {})
    form = {"action": "pause", "name": "finished", "back": "/studies/1"}
    answer = finished_service.post("/dashboard/act", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/studies/1")
    assert asked(store, 1) == "pause"
    shown = finished_service.get("/dashboard/studies/1").text
    assert re.findall(r'name="action" value="(\w+)"', shown) == ["resume", "stop"]
    finished_service.post("/dashboard/act", data={**form, "action": "resume"})
    assert asked(store, 1) is None


def test_folders_of_the_machine_are_not_told(finished_service: Served) -> None:
    finished_service.store.set_state(1, "failed", "/srv/secret/place/model: cannot be read")
    shown = finished_service.get("/dashboard/").text
    assert "secret" not in shown
    assert "…/model: cannot be read" in shown
