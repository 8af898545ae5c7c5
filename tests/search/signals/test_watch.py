"""A study watched from beside its run: what is told of it, and when nothing is."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from search.errors import NothingSteers, SearchError
from search.running.ending import Halted
from search.running.interrupt import Interrupted
from search.signals.signalling import Signals, signalling
from search.signals.watch import Seen, ended, see, watching
from search.signals.webhook import open_webhook
from studies.store import StudyStore
from studies.store.rows import StudyState, StudySummary
from studies.workers.counts import Evidence
from studies.workers.register import join, leave
from studies.workers.wishes import ask
from tests.search.signals.receiver import Receiver, receiving
from tests.studies.builders import begin_with_slice, make_results

NOW = datetime(2026, 11, 27, 6, 30)
THEN = datetime(2026, 11, 27, 6, 29)
TERM = Interrupted(signal.SIGTERM)


def seen(state: StudyState, workers: int = 0, reason: str | None = None) -> Seen:
    summary = StudySummary(1, "tiny", state, reason, THEN, THEN, trials=12, failed=3)
    return Seen(summary, Evidence(0, None), workers, paused=False)


@pytest.mark.parametrize(
    ("found", "error", "told"),
    [
        (seen("complete"), None, ("ended", "complete", None)),
        (seen("complete", reason="time ran out"), None, ("ended", "complete", "time ran out")),
        (seen("stopped", reason="asked to"), None, ("ended", "stopped", "asked to")),
        (seen("failed", reason="ten in a row"), None, ("failed", "failed", "ten in a row")),
        (seen("searching"), None, ("ended", "stopped", "its last worker has ended")),
        (seen("searching", 2), None, None),
        (seen("searching", 2), TERM, None),
        (seen("searching", 2), Halted("stop"), None),
        (seen("searching"), TERM, ("ended", "stopped", "SIGTERM")),
        (seen("stopped", reason="crucible stop"), Halted("stop"), ("ended", "stopped", "crucible stop")),
        (seen("stopped", reason="no slice"), NothingSteers("no slice"), ("ended", "stopped", "no slice")),
        (seen("stopped", reason="ten in a row"), SearchError("said"), ("ended", "stopped", "ten in a row")),
        (seen("searching"), RuntimeError("no\nmemory"), ("failed", "failed", "no memory")),
        (seen("searching", 2), RuntimeError("no memory"), ("failed", "searching", "no memory")),
        (None, RuntimeError(), ("failed", "failed", "RuntimeError")),
        (None, TERM, ("ended", "stopped", "SIGTERM")),
        (None, None, ("ended", "unknown", "the database did not answer")),
    ],
)
def test_what_is_told_at_the_end(
    found: Seen | None, error: BaseException | None, told: tuple[str, str, str | None] | None
) -> None:
    event = ended(found, "tiny", error, NOW)
    assert (event and (event.kind, event.state, event.reason)) == told
    if event is not None and found is not None:
        assert (event.study, event.trials, event.failed, event.workers) == ("tiny", 12, 3, found.workers)


@pytest.mark.parametrize("state", ["failed", "stopped", "complete"])
def test_how_an_earlier_run_ended_is_not_told_of_this_one(state: StudyState) -> None:
    old = seen(state, reason="old")
    broken = ended(old, "tiny", SearchError("no such model"), NOW, fresh=False)
    interrupted = ended(old, "tiny", TERM, NOW, fresh=False)
    assert broken is not None
    assert interrupted is not None
    assert (broken.kind, broken.state, broken.reason) == ("failed", "failed", "no such model")
    assert (interrupted.kind, interrupted.state, interrupted.reason) == ("ended", "stopped", "SIGTERM")


def test_everyone_tells_of_a_studys_end_by_one_id_and_of_ones_own_failure_by_ones_own() -> None:
    later = datetime(2026, 11, 27, 7, 0)
    ends = [ended(seen("complete"), "tiny", None, now) for now in (NOW, later)]
    failures = [ended(seen("searching"), "tiny", RuntimeError("x"), now) for now in (NOW, later)]
    assert len({each.id for each in ends if each}) == 1
    assert len({each.id for each in failures if each}) == 2


def test_a_study_is_seen_as_the_database_knows_it(store: StudyStore, url: str) -> None:
    assert see(url, "tiny") is None
    study, digest, part = begin_with_slice(store)
    worker = join(store, study)
    found = see(url, "tiny")
    assert found is not None
    assert (found.evidence, found.workers, found.paused) == (Evidence(0, None), 1, False)
    store.record(digest, part, make_results([True, False]))
    ask(store, study, "pause")
    leave(store, worker)
    found = see(url, "tiny")
    assert found is not None
    assert (found.evidence.n, found.workers, found.paused) == (2, 0, True)
    assert found.evidence.latest is not None
    assert abs((found.evidence.latest - datetime.now(UTC).replace(tzinfo=None)).total_seconds()) < 60


def watch(receiver: Receiver, url: str, work: Callable[[], None]) -> None:
    """Do the work under a watch that looks often, for a stall of a second."""
    with watching(open_webhook(receiver.url), url, "tiny", stalls_after_s=1.0, every_s=0.1):
        work()


def test_a_stall_is_told_of_while_the_run_goes_on(store: StudyStore, url: str) -> None:
    study, digest, part = begin_with_slice(store)
    worker = join(store, study)

    def work() -> None:
        receiver.wait()
        store.record(digest, part, make_results([True]))
        receiver.wait()
        leave(store, worker)
        store.set_state(study, "complete")

    with receiving() as receiver:
        watch(receiver, url, work)
    first, second, end = receiver.posted
    assert [each["event"] for each in receiver.posted] == ["stalled", "stalled", "ended"]
    assert (first["workers"], first["state"]) == (1, "searching")
    assert first["reason"] == "no evidence for 0 min, with workers at work (1)"
    assert first["id"] != second["id"]
    assert end["state"] == "complete"


def test_a_paused_study_does_not_stall(store: StudyStore, url: str) -> None:
    study, *_ = begin_with_slice(store)
    worker = join(store, study)
    ask(store, study, "pause")

    def work() -> None:
        time.sleep(2)
        leave(store, worker)

    with receiving() as receiver:
        watch(receiver, url, work)
    assert [each["event"] for each in receiver.posted] == ["ended"]


def test_evidence_that_comes_in_time_is_no_stall(store: StudyStore, url: str) -> None:
    study, digest, part = begin_with_slice(store)
    worker = join(store, study)

    def work() -> None:
        for item in range(6):
            time.sleep(0.4)
            store.record(digest, part, make_results([True], first=item))
        leave(store, worker)
        store.set_state(study, "stopped", "asked to")

    with receiving() as receiver:
        watch(receiver, url, work)
    (end,) = receiver.posted
    assert (end["event"], end["state"], end["reason"]) == ("ended", "stopped", "asked to")


@pytest.mark.parametrize("error", [RuntimeError("no memory"), SearchError("no such model")])
def test_a_run_that_fails_is_told_of_and_fails_as_it_would(
    store: StudyStore, url: str, error: Exception
) -> None:
    def work() -> None:
        raise error

    store.set_state(store.begin("tiny", {}), "searching")
    with receiving() as receiver, pytest.raises(type(error)) as raised:
        watch(receiver, url, work)
    assert raised.value is error
    assert [(each["event"], each["reason"]) for each in receiver.posted] == [("failed", str(error))]


def test_a_database_that_nobody_can_reach_hides_no_failure() -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/none"
    with (
        receiving() as receiver,
        pytest.raises(RuntimeError),
        signalling(Signals(receiver.url), url, "tiny"),
    ):
        raise RuntimeError("lost")
    assert [(each["event"], each["trials"]) for each in receiver.posted] == [
        ("failed", {"complete": 0, "failed": 0})
    ]


def test_a_receiver_that_hangs_or_refuses_changes_nothing_of_a_run(sqlite_url: str) -> None:
    with receiving("hang") as receiver:
        webhook = open_webhook(receiver.url, farewell_s=0.5)
        began = time.monotonic()
        with watching(webhook, sqlite_url, "tiny", stalls_after_s=60):
            pass
        assert time.monotonic() - began < 5
    with watching(open_webhook("http://127.0.0.1:9/", patience_s=0.1), sqlite_url, "tiny", stalls_after_s=60):
        pass


def test_an_address_that_is_none_is_refused_before_any_work() -> None:
    signals = Signals("ftp://example.com")
    with pytest.raises(SearchError, match="--webhook"), signalling(signals, "sqlite:///x.db", "tiny"):
        pytest.fail("work began")
