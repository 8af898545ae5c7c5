"""A webhook is delivered in spite of receivers that fail, and never costs the run more than its farewell."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import closing
from datetime import datetime

import pytest

from search.errors import SearchError
from search.signals.event import LONGEST, Event
from search.signals.webhook import open_webhook
from tests.search.signals.receiver import receiving

NOW = datetime(2026, 11, 27, 6, 30)
EVENT = Event("ended", "tiny", "complete", NOW, "mark", trials=40, failed=1, conclusion="trial 7 is best")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_event_arrives_as_documented() -> None:
    with receiving() as receiver:
        webhook = open_webhook(receiver.url)
        webhook.tell(lambda: EVENT)
        webhook.close()
    (body,), (headers,) = receiver.posted, receiver.headers
    text = "Crucible: study tiny is complete (40 trials complete, 1 failed): trial 7 is best"
    assert body == {
        "version": 1,
        "id": EVENT.id,
        "event": "ended",
        "study": "tiny",
        "state": "complete",
        "reason": None,
        "trials": {"complete": 40, "failed": 1},
        "workers": 0,
        "conclusion": "trial 7 is best",
        "host": socket.gethostname(),
        "at": "2026-11-27T06:30:00Z",
        "text": text,
        "content": text,
    }
    assert (headers["Content-Type"], headers["Idempotency-Key"]) == ("application/json", EVENT.id)


def test_a_receiver_that_fails_twice_is_told_a_third_time(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(500, "hang up", 204) as receiver, caplog.at_level(logging.INFO):
        webhook = open_webhook(receiver.url)
        webhook.tell(lambda: EVENT)
        webhook.close()
    assert [each["id"] for each in receiver.posted] == [EVENT.id] * 3
    assert f"webhook http://127.0.0.1:{receiver.port}/…: told of 'ended', study 'tiny'" in caplog.text


def test_nothing_is_told_where_there_is_nothing_to_tell() -> None:
    with receiving() as receiver:
        webhook = open_webhook(receiver.url)
        webhook.tell(lambda: None)
        webhook.close()
    assert receiver.posted == []


def test_a_receiver_that_hangs_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    with receiving("hang") as receiver:
        webhook = open_webhook(receiver.url, farewell_s=0.5)
        began = time.monotonic()
        webhook.tell(lambda: EVENT)
        assert time.monotonic() - began < 5
        receiver.wait()
        began = time.monotonic()
        webhook.close()
        assert 0.4 < time.monotonic() - began < 5, "less than a receiver may take"
    assert "not delivered: no answer within 0.5 s of the run's end" in caplog.text


def test_one_event_that_hangs_does_not_keep_another_from_arriving() -> None:
    with receiving("hang", 204) as receiver:
        webhook = open_webhook(receiver.url, farewell_s=0.5)
        webhook.tell(lambda: EVENT)
        receiver.wait()
        webhook.tell(lambda: Event("failed", "tiny", "failed", NOW, "mark"))
        receiver.wait()
        webhook.close()
    assert [each["event"] for each in receiver.posted] == ["ended", "failed"]


def test_nobody_listening_is_tried_until_patience_ends(caplog: pytest.LogCaptureFixture) -> None:
    webhook = open_webhook(f"http://127.0.0.1:{free_port()}/SECRET", patience_s=0.6, farewell_s=5)
    webhook.tell(lambda: EVENT)
    webhook.close()
    assert "'ended' not delivered: [Errno 111] Connection refused" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_receiver_that_comes_back_before_the_farewell_ends_is_told() -> None:
    port = free_port()
    webhook = open_webhook(f"http://127.0.0.1:{port}/hook", farewell_s=20)
    webhook.tell(lambda: EVENT)
    time.sleep(0.3)
    with receiving(port=port) as receiver:
        webhook.close()
    assert len(receiver.posted) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again(status: int, caplog: pytest.LogCaptureFixture) -> None:
    with receiving(status) as receiver:
        webhook = open_webhook(receiver.url)
        webhook.tell(lambda: EVENT)
        webhook.close()
    assert len(receiver.posted) == 1
    assert f"'ended' not delivered: it answered {status}" in caplog.text


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503])
def test_a_receiver_that_asks_for_another_try_gets_one(status: int) -> None:
    with receiving(status, 200) as receiver:
        webhook = open_webhook(receiver.url)
        webhook.tell(lambda: EVENT)
        webhook.close()
    assert len(receiver.posted) == 2


def test_redirects_are_followed_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as elsewhere:
        for target in (elsewhere.url, "https://example.com/", "file:///etc/passwd"):
            with receiving(target) as receiver:
                webhook = open_webhook(receiver.url)
                webhook.tell(lambda: EVENT)
                webhook.close()
            assert len(receiver.posted) == 1
    assert elsewhere.posted == []
    assert caplog.text.count("it answered 307: redirects are not followed") == 3


def test_a_name_and_password_are_sent_as_such_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(403) as receiver, caplog.at_level(logging.DEBUG, "search"):
        address = f"http://me:SECRET@127.0.0.1:{receiver.port}/hook?key=SECRET"
        webhook = open_webhook(address)
        webhook.tell(lambda: EVENT)
        webhook.close()
    assert receiver.headers[0]["Authorization"] == "Basic bWU6U0VDUkVU"
    assert receiver.paths == ["/hook?key=SECRET"]
    assert "SECRET" not in caplog.text


def test_a_proxy_that_cannot_be_used_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy.example")
    with pytest.raises(SearchError, match="HTTPS_PROXY") as refused:
        open_webhook("https://hooks.example.com/SECRET")
    assert "SECRET" not in str(refused.value)


def test_the_id_is_the_same_for_all_who_tell_of_one_event_and_no_other() -> None:
    assert Event("ended", "tiny", "complete", datetime(2027, 1, 1), "mark", workers=3).id == EVENT.id
    others = [
        Event("failed", "tiny", "complete", NOW, "mark"),
        Event("ended", "other", "complete", NOW, "mark"),
        Event("ended", "tiny", "stopped", NOW, "mark"),
        Event("ended", "tiny", "complete", NOW, "another"),
    ]
    assert len({EVENT.id, *(each.id for each in others)}) == 5


def test_a_long_reason_is_cut_for_chats_refuse_long_messages() -> None:
    body = Event("failed", "tiny", "failed", NOW, "mark", reason="x" * 10_000).body()
    assert len(body["reason"]) == LONGEST
    assert len(body["content"]) < 2000
