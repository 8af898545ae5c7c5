"""What pages say of a store's rows, asked without a browser: escaped, live, and also of what is missing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from studies.dashboard import soon
from studies.store import StudyStore
from studies.store.queries import utc_now
from studies.workers.submissions import submit
from tests.studies.builders import enter, make_results, make_slice

Asking = Callable[..., Any]
EVIL = "<script>alert(1)</script>"


def begin(store: StudyStore, name: str = "tiny", trials: int = 2) -> int:
    """A study with a slice of 8 search items, and trials that answered one item more each."""
    study = store.begin(name, {"study": {"budget": {"trials": 5}}})
    part = make_slice()
    store.add_slices(study, [part])
    for number in range(trials):
        add_trial(store, study, number)
    return study


def add_trial(store: StudyStore, study: int, number: int) -> None:
    digest = enter(store, study, "trial", f"trial {number}", 0.01 * (number + 1), number)
    store.record(digest, make_slice().digest, make_results([i <= number for i in range(8)]))


def poll_of(text: str) -> str:
    """Where the page asks for what is new."""
    found = re.search(r'hx-get="([^"]+)"', text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def later(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the second pass for which versions are kept."""
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 100)


def test_an_empty_store_says_how_to_begin(asking: Asking) -> None:
    _, ask = asking()
    assert "crucible run STUDY.yaml" in ask("/").text


def test_a_study_without_finished_trials_says_so(asking: Asking) -> None:
    store, ask = asking()
    store.begin("tiny", {})
    answer = ask("/studies/1")
    assert answer.status_code == 200
    assert "No trial has finished yet" in answer.text
    assert ask("/studies/1/live").status_code == 200
    assert ask("/studies/1/curve.json").json()[0]["number"] == []


def test_a_search_without_a_verdict_says_so_and_shows_its_scores(asking: Asking) -> None:
    store, ask = asking()
    begin(store)
    text = ask("/studies/1").text
    assert "No candidate was judged on all holdout items yet." in text
    assert "2<small> of 5</small>" in text
    assert "25.0 % [7.1 to 59.1]" in text
    assert ask("/studies/1/curve.json").json()[0]["best"] == [0.125, 0.25]
    assert ask("/studies/1/curve.json?after=0").json()[0]["score"] == [0.25]


@pytest.mark.parametrize(
    "path", ["/studies/7", "/studies/7/live", "/studies/x", "/none", "/studies/99999999999999"]
)
def test_what_is_not_there_is_a_page_of_its_own(asking: Asking, path: str) -> None:
    _, ask = asking()
    answer = ask(path)
    assert (answer.status_code, "Not found" in answer.text) == (404, True)


def test_a_parameter_that_is_none_is_told(asking: Asking) -> None:
    store, ask = asking()
    store.begin("tiny", {})
    answer = ask("/studies/1/curve.json?after=x")
    assert answer.status_code == 400
    assert "after must be a whole number" in answer.text


def test_nothing_of_the_database_is_taken_for_html(asking: Asking) -> None:
    store, ask = asking()
    study = begin(store, name=f"x{EVIL}")
    store.finish_candidate(study, "trial", "trial 1", f"broke {EVIL}", EVIL)
    store.set_state(study, "failed", f"because {EVIL}")
    submit(store, f"waits {EVIL}", "", "")
    for path in ("/", "/live", "/studies/1", "/studies/1/live"):
        text = ask(path).text
        assert EVIL not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_what_waits_for_its_turn_is_shown(asking: Asking) -> None:
    store, ask = asking()
    submit(store, "next", "", "")
    text = ask("/").text
    assert "next" in text
    assert "waits for its turn" in text


def test_a_page_that_is_up_to_date_is_sent_nothing(asking: Asking) -> None:
    store, ask = asking()
    begin(store)
    for path in ("/", "/studies/1"):
        again = ask(poll_of(ask(path).text))
        assert (again.status_code, again.content) == (204, b"")


def test_a_page_is_sent_what_is_new_and_nothing_else(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    store, ask = asking()
    study = begin(store)
    first = ask("/studies/1").text
    add_trial(store, study, 2)
    later(ask, monkeypatch)
    fresh = ask(poll_of(first))
    assert fresh.status_code == 200
    assert 'id="trial-2"' in fresh.text
    assert 'id="trial-1"' not in fresh.text
    assert "37.5 %" in fresh.text
    assert ask(poll_of(fresh.text)).status_code == 204


def test_a_trial_that_ends_takes_the_place_of_the_one_that_ran(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ask = asking()
    study = begin(store)
    digest = store.candidates(study)[0].digest
    store.register_candidate(study, "trial", "trial 2", 2, digest)
    store.register_candidate(study, "trial", "trial 3", 3, digest)
    store.finish_candidate(study, "trial", "trial 3")
    first = ask("/studies/1").text
    assert "among=2" in poll_of(first)
    store.finish_candidate(study, "trial", "trial 2")
    later(ask, monkeypatch)
    fresh = ask(poll_of(first)).text
    assert re.search(r'<li id="trial-2" hx-swap-oob="true">', fresh)
    assert 'id="trial-3"' not in fresh


def test_pages_are_not_kept_and_files_are_kept_by_their_digest(asking: Asking) -> None:
    store, ask = asking()
    begin(store)
    page = ask("/studies/1")
    assert page.headers["cache-control"] == "no-store"
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) >= 6
    answers = [ask(file) for file in files]
    assert all(answer.status_code == 200 for answer in answers)
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    assert sum(len(answer.content) for answer in answers) + len(page.content) < 200_000


def test_what_takes_long_to_be_read_shows_itself_when_it_was(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ask = asking()
    begin(store)
    monkeypatch.setattr(soon, "PROMPT_S", 1e-6)
    early = ask("/studies/1")
    assert early.status_code == 200
    assert "this takes a moment" in early.text
    assert "25.0 %" not in early.text
    again = re.search(r'hx-get="([^"]+)" hx-trigger="load"', early.text)
    assert again is not None
    assert "25.0 % [7.1 to 59.1]" in ask(again[1]).text


def test_without_a_service_nothing_can_be_done(asking: Asking) -> None:
    store, ask = asking()
    begin(store)
    assert "<button" not in ask("/studies/1").text
    answer = ask("/act", "POST", data={"action": "stop", "name": "tiny"})
    assert answer.status_code == 404
    assert "crucible serve" in answer.text


def test_a_store_that_does_not_answer_is_told(asking: Asking) -> None:
    store, ask = asking()
    begin(store)
    ask("/")
    store.engine.dispose()
    file = str(store.engine.url.database)
    with open(file, "r+b") as damaged:
        damaged.write(b"nothing that is a database" * 40)
    answer = ask("/studies/1")
    assert answer.status_code in (200, 503)
    assert "Traceback" not in answer.text


def test_old_and_new_times_are_said_in_utc(asking: Asking) -> None:
    store, ask = asking()
    begin(store)
    day = (utc_now() - timedelta(0)).date().isoformat()
    assert f'datetime="{day}T' in ask("/").text
