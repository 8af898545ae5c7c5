"""People ask the workers of a study to pause or to stop, from anywhere."""

from __future__ import annotations

from studies.store import StudyStore
from studies.workers.wishes import ask, asked


def test_a_wish_is_there_until_it_is_taken_back(store: StudyStore, study: int, url: str) -> None:
    assert asked(store, study) is None
    other = store.begin("other", {})
    with StudyStore(url) as elsewhere:
        ask(elsewhere, study, "pause")
        assert asked(store, study) == "pause"
        ask(elsewhere, study, "stop")
        ask(elsewhere, study, "stop")
        assert asked(store, study) == "stop"
        assert asked(store, other) is None
        ask(elsewhere, study, None)
    assert asked(store, study) is None
