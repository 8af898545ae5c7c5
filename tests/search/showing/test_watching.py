"""A study that runs elsewhere: what is seen of it while others work, and when there is no more to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from rich.console import Console

from search.showing.watching import watch_study
from studies.errors import StorageError, StudyNotFound
from studies.store import StudyStore
from studies.workers.register import join
from tests.studies.builders import begin_with_slice, make_recipe, make_results, make_slice

IDENTITY = {"study": {"budget": {"trials": 4, "hours": None}}}


@pytest.fixture
def url(tmp_path) -> str:  # type: ignore[no-untyped-def]
    return f"sqlite:///{tmp_path}/crucible.db"


@pytest.fixture
def store(url: str) -> Iterator[StudyStore]:
    with StudyStore(url) as opened:
        yield opened


def watched(url: str, deeds: list[Callable[[], None]], *, terminal: bool = False, name: str = "far") -> str:
    """What is shown while others do these deeds, one between two looks."""
    out, left = StringIO(), list(deeds)

    def wait(_seconds: float) -> None:
        if left:
            left.pop(0)()

    watch_study(url, name, Console(file=out, force_terminal=terminal, width=100), wait=wait)
    assert not left, "it went away before the end"
    return out.getvalue()


class Elsewhere:
    """A worker in another process, as the store sees it."""

    def __init__(self, store: StudyStore) -> None:
        self.store, self.study = store, store.begin("far", IDENTITY)
        store.add_slices(self.study, [make_slice(n=4)])
        self.part = store.slices(self.study)[0]
        join(store, self.study)

    def begin(self, number: int) -> None:
        digest = self.store.add_recipe(make_recipe(0.1 + number / 10))
        self.store.register_candidate(self.study, "trial", f"trial {number}", number, digest)

    def finish(self, number: int, right: int) -> None:
        self.begin(number)
        digest = make_recipe(0.1 + number / 10).digest
        self.store.record(digest, self.part.digest, make_results([i < right for i in range(4)]))
        self.store.finish_candidate(self.study, "trial", f"trial {number}")

    def fail(self, number: int) -> None:
        self.begin(number)
        self.store.finish_candidate(self.study, "trial", f"trial {number}", "[red]NaN[/red]", "not finite")

    def end(self) -> None:
        self.store.set_state(self.study, "complete")


def test_without_a_terminal_each_trial_that_ends_is_a_line(store: StudyStore, url: str) -> None:
    far = Elsewhere(store)
    far.finish(0, 1)
    deeds = [lambda: far.finish(1, 3), lambda: far.begin(2), lambda: far.fail(2), far.end]
    lines = watched(url, deeds).splitlines()
    assert lines[0] == "far: searching, 1/4 trials, best 25.0 (trial 0), 1 worker"
    assert lines[1].startswith("trial 1    75.0  2/4 trials, best 75.0 (trial 1)")
    assert lines[2].startswith(
        "trial 2    failed: [red]NaN[/red]  3/4 trials, 1 failed (not finite), best 75.0"
    )
    assert lines[3].startswith("far: complete, 3/4 trials")
    assert lines[4] == "far is complete; see `crucible leaderboard far`"
    assert len(lines) == 5


def test_a_terminal_shows_a_table_that_has_the_running_trial_too(store: StudyStore, url: str) -> None:
    far = Elsewhere(store)
    far.finish(0, 1)
    out = watched(url, [lambda: far.begin(1), lambda: far.finish(1, 3), far.end], terminal=True)
    running, done = out.index("0 of 4 items"), out.index("75.0")
    assert running < done
    assert "best so far" in out
    assert "  worker " in out
    assert "far is complete" in out


def test_a_running_trial_that_many_others_overtake_is_told_when_it_ends(store: StudyStore, url: str) -> None:
    far = Elsewhere(store)
    far.begin(0)
    others = [lambda n=n: far.finish(n, 2) for n in range(1, 13)]
    lines = watched(url, [*others, lambda: far.finish(0, 4), far.end]).splitlines()
    told = [line.split()[1] for line in lines if line.startswith("trial ")]
    assert told == [*map(str, range(1, 13)), "0"]


def test_a_study_that_stopped_is_told_with_its_reason_and_not_waited_for(store: StudyStore, url: str) -> None:
    study, _, _ = begin_with_slice(store)
    store.set_state(study, "stopped", "its time was up")
    out = watched(url, [], name="tiny")
    assert "tiny is stopped: its time was up" in out


def test_a_store_that_is_not_there_is_not_made(url: str) -> None:
    with pytest.raises(StorageError, match="no file"):
        watched(url, [])


def test_a_study_that_is_not_there_is_told_with_the_nearest_name(store: StudyStore, url: str) -> None:
    Elsewhere(store)
    with pytest.raises(StudyNotFound, match="did you mean far"):
        watched(url, [], name="fur")
