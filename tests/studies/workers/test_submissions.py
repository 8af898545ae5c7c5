"""Submitted studies wait for their turn, and survive the service that runs them."""

from __future__ import annotations

import pytest

from studies.errors import StudyHeld, StudyNotFound
from studies.store import StudyStore
from studies.workers.submissions import set_submission_state, submission, submissions, submit


def test_studies_wait_in_the_order_in_which_they_came(store: StudyStore, url: str) -> None:
    for name in ("b", "a", "c"):
        submit(store, name, f"name: {name}", "/studies", {"workers": 2})
    with StudyStore(url) as other:
        assert [each.name for each in submissions(other)] == ["b", "a", "c"]
        found = submission(other, "a")
    assert (found.study, found.folder, found.options) == ("name: a", "/studies", {"workers": 2})
    assert (found.state, found.reason) == ("queued", None)


def test_a_state_is_kept_with_its_reason(store: StudyStore) -> None:
    submit(store, "a", "name: a", "/studies")
    submit(store, "b", "name: b", "/studies")
    set_submission_state(store, "a", "running")
    assert [each.name for each in submissions(store, "running")] == ["a"]
    set_submission_state(store, "a", "failed", "no GPU")
    assert (submission(store, "a").state, submission(store, "a").reason) == ("failed", "no GPU")
    assert [each.name for each in submissions(store, "queued")] == ["b"]


def test_the_same_twice_is_once(store: StudyStore) -> None:
    first = submit(store, "a", "name: a", "/studies", {"workers": 2})
    assert submit(store, "a", "name: a", "/studies", {"workers": 2}) == first
    set_submission_state(store, "a", "running")
    assert submit(store, "a", "name: a", "/studies", {"workers": 2}).state == "running"
    assert len(submissions(store)) == 1


@pytest.mark.parametrize("state", ["queued", "running"])
def test_one_that_waits_or_runs_is_not_changed(store: StudyStore, state: str) -> None:
    submit(store, "a", "name: a", "/studies")
    set_submission_state(store, "a", state)  # type: ignore[arg-type]
    with pytest.raises(StudyHeld, match=f"study 'a' was submitted otherwise and is {state}: wait") as caught:
        submit(store, "a", "name: a\nseed: 1", "/studies")
    assert "\n" not in str(caught.value)
    assert submission(store, "a").study == "name: a"


@pytest.mark.parametrize("state", ["ended", "failed", "stopped"])
def test_one_that_ended_may_be_queued_again_behind_the_others(store: StudyStore, state: str) -> None:
    submit(store, "a", "name: a", "/studies")
    set_submission_state(store, "a", state, "so it was")  # type: ignore[arg-type]
    submit(store, "b", "name: b", "/studies")
    again = submit(store, "a", "name: a\nseed: 1", "/studies", {"hours": 2})
    assert (again.state, again.reason, again.study) == ("queued", None, "name: a\nseed: 1")
    assert [each.name for each in submissions(store)] == ["b", "a"]


def test_an_unknown_name_is_said(store: StudyStore) -> None:
    with pytest.raises(StudyNotFound, match="no study 'a' was submitted"):
        submission(store, "a")
