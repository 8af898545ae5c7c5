"""Metrics over HTTP: on loopback alone, asked of the database anew each time."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from search.errors import SearchError
from search.signals.exporter import serving_metrics
from search.signals.signalling import Signals, signalling
from studies.store import StudyStore
from studies.workers.register import join
from tests.search.signals.test_metrics import samples


def scrape(port: int) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)


def test_every_scrape_looks_anew(store: StudyStore, url: str) -> None:
    study = store.begin("tiny", {})
    with serving_metrics(url, 0) as port:
        first = scrape(port)
        join(store, study)
        second = scrape(port)
    assert first.headers["Content-Type"].startswith("text/plain; version=")
    assert [samples(each.text)["crucible_workers", "tiny", "working"] for each in (first, second)] == [0, 1]


def test_a_store_that_is_not_there_yet_is_down_until_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crucible.db'}"
    with serving_metrics(url, 0) as port:
        assert samples(scrape(port).text) == {("crucible_up",): 0}
        assert not (tmp_path / "crucible.db").exists()
        StudyStore(url).close()
        assert samples(scrape(port).text) == {("crucible_up",): 1}


def test_a_server_that_is_away_is_down(capfd: pytest.CaptureFixture[str]) -> None:
    with serving_metrics("postgresql+psycopg://nobody@127.0.0.1:9/none", 0) as port:
        assert samples(scrape(port).text) == {("crucible_up",): 0}
    assert capfd.readouterr().err == ""


def test_only_this_machine_can_ask(sqlite_url: str) -> None:
    with serving_metrics(sqlite_url, 0) as port:
        with socket.socket() as other:  # the port is free on all other addresses
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.2", port))
            other.listen()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=2)


def test_the_port_is_free_again_afterwards(sqlite_url: str) -> None:
    with serving_metrics(sqlite_url, 0) as port:
        pass
    with serving_metrics(sqlite_url, port):
        pass


def test_a_port_that_is_taken_is_one_line(sqlite_url: str) -> None:
    with (
        serving_metrics(sqlite_url, 0) as port,
        pytest.raises(SearchError, match=rf"^--metrics {port}: Address already in use: choose another port"),
        signalling(Signals(metrics=port), sqlite_url, "tiny"),
    ):
        pytest.fail("work began")
