"""Evidence is kept on this machine while its server is away, and brought in when that is back."""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from evaluators.score import ItemResult
from studies.store import StudyStore
from studies.store.connect import reading, writing
from studies.store.spool import Batch, Spool, spool_folder
from tests.studies.builders import begin_with_slice, make_results
from tests.studies.server import Server

REPO = Path(__file__).parents[3]
RECORD = """
import sys
from studies.store import StudyStore
from tests.studies.builders import make_results

url, recipe, part = sys.argv[1:]
store = StudyStore(url)
print("open", flush=True)
sys.stdin.readline()
for item in range(3):
    store.record(recipe, part, make_results([item == 1], first=item))
print("recorded", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(server: Server) -> Iterator[StudyStore]:
    """On the server that may be stopped, and emptied."""
    with StudyStore(server.url) as store, writing(store.engine) as connection:
        connection.execute(text("TRUNCATE crucible_studies, crucible_subjects, crucible_slices CASCADE"))
    with StudyStore(server.url) as store:
        store.wait = lambda _: pytest.fail("nobody waits while evidence can be kept here")
        yield store


def spooled(state_home: Path, suffix: str = "jsonl") -> list[Path]:
    return sorted(state_home.glob(f"crucible/spool/*/*.{suffix}"))


def test_evidence_is_kept_in_order_and_brought_before_anything_is_read(
    store: StudyStore, server: Server, state_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, recipe, part = begin_with_slice(store)
    odd = ItemResult(2, True, "NUL \0, half \ud800 and\nlines", 7, 0.25, "p", None, -0.5)
    with server.away():
        store.record(recipe, part, make_results([True, False]))
        store.record(recipe, part, [odd])
        store.record(
            recipe, part, make_results([True], first=0)
        )  # a second measurement, which comes too late
        (file,) = spooled(state_home)
        assert [len(json.loads(line)["results"]) for line in file.read_text().splitlines()] == [2, 1, 1]
    with caplog.at_level(logging.WARNING):
        assert store.verdicts([recipe], part) == {recipe: {0: True, 1: False, 2: True}}
    assert "brought in 3 batches of evidence" in caplog.text
    found = store.results(recipe, part)[2]
    assert found.text == "NUL \N{SYMBOL FOR NULL}, half ? and\nlines"
    assert (found.tokens, found.seconds, found.logprob) == (7, 0.25, -0.5)
    assert spooled(state_home) == []


def test_evidence_keeps_the_time_at_which_it_was_measured(
    store: StudyStore, server: Server, state_home: Path
) -> None:
    _, recipe, part = begin_with_slice(store)
    with server.away():
        store.record(recipe, part, make_results([True]))
        (file,) = spooled(state_home)
        measured = json.loads(file.read_text())["measured_at"]
    store.measured(recipe, part)
    with reading(store.engine) as connection:
        at = connection.execute(text("SELECT measured_at FROM crucible_evidence")).scalar()
    assert at == datetime.fromisoformat(measured)


def test_a_second_absence_is_like_the_first(store: StudyStore, server: Server, state_home: Path) -> None:
    _, recipe, part = begin_with_slice(store)
    for item in range(2):
        with server.away():
            store.record(recipe, part, make_results([True], first=item))
            assert len(spooled(state_home)) == 1
        store.record(recipe, part, make_results([True], first=10 + item))
        assert spooled(state_home) == []
    assert store.measured(recipe, part) == {0, 1, 10, 11}


def test_what_a_killed_process_kept_is_brought_by_the_next_that_opens_the_storage(
    store: StudyStore, server: Server, state_home: Path
) -> None:
    _, recipe, part = begin_with_slice(store)
    command = [sys.executable, "-c", RECORD, server.url, recipe, part]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPO) as recorder:
        assert recorder.stdin is not None
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == "open\n"
        with server.away():
            print(file=recorder.stdin, flush=True)
            assert recorder.stdout.readline() == "recorded\n"
        with StudyStore(server.url) as other:  # it lives, and brings its own
            assert other.measured(recipe, part) == set()
        assert len(spooled(state_home)) == 1
        recorder.kill()
    assert store.measured(recipe, part) == set()
    with StudyStore(server.url) as other:
        assert other.verdicts([recipe], part) == {recipe: {0: False, 1: True, 2: False}}
    assert spooled(state_home) == []


def test_what_a_store_could_not_bring_before_it_was_closed_is_brought_by_the_next(
    store: StudyStore, server: Server, state_home: Path
) -> None:
    _, recipe, part = begin_with_slice(store)
    with StudyStore(server.url) as other, server.away():
        other.record(recipe, part, make_results([True]))
        other.close()
    assert len(spooled(state_home)) == 1
    with StudyStore(server.url) as third:
        assert third.measured(recipe, part) == {0}
    assert spooled(state_home) == []


def left_behind(state_home: Path, server: Server, content: bytes) -> None:
    folder = spool_folder(make_url(server.url))
    assert folder is not None
    folder.mkdir(parents=True)
    (folder / "1-dead.jsonl").write_bytes(content)


def batch(recipe: str, part: str, item: int) -> bytes:
    results = tuple(make_results([True], first=item))
    return Batch(recipe, part, datetime(2026, 1, 1), results).to_line()


def test_a_line_that_was_cut_off_is_no_evidence(store: StudyStore, server: Server, state_home: Path) -> None:
    _, recipe, part = begin_with_slice(store)
    left_behind(state_home, server, batch(recipe, part, 0) + batch(recipe, part, 1)[:-20])
    with StudyStore(server.url) as other:
        assert other.measured(recipe, part) == {0}
    assert spooled(state_home) == []


@pytest.mark.parametrize("content", [b'{"subject": 1}\n', b"\0\0\0\n", b'{"results": [{"new": 1}]}\n'])
def test_what_is_no_evidence_of_this_version_is_kept_aside(
    store: StudyStore, server: Server, state_home: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    left_behind(state_home, server, content)
    StudyStore(server.url).close()
    (aside,) = spooled(state_home, "refused")
    assert aside.read_bytes() == content
    assert f"{aside}: not evidence as this version keeps it" in caplog.text
    caplog.clear()
    StudyStore(server.url).close()
    assert caplog.text == ""


def test_what_lies_beside_lines_of_no_use_is_brought_in(
    store: StudyStore, server: Server, state_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, recipe, part = begin_with_slice(store)
    unknown, torn = batch("of another storage", "no slice", 0), b'{"subject": "cut \n'
    content = batch(recipe, part, 0) + torn + batch(recipe, part, 1) + unknown + batch(recipe, part, 2)
    left_behind(state_home, server, content)
    with caplog.at_level(logging.WARNING), StudyStore(server.url) as other:
        assert other.measured(recipe, part) == {0, 1, 2}
    (aside,) = spooled(state_home, "refused")
    assert aside.read_bytes() == content
    assert "2 of its 5 batches kept there, and not used" in caplog.text
    assert "brought in 3 batches" in caplog.text
    assert spooled(state_home) == []


def test_a_line_that_a_disk_took_a_part_of_was_not_kept_and_spoils_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    batches = [
        Batch("subject", "slice", datetime(2026, 1, 1), tuple(make_results([True], first=item)))
        for item in range(3)
    ]
    spool = Spool(tmp_path)
    assert spool.append(batches[0])
    (file,) = tmp_path.iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 100, hard))
    try:
        assert not spool.append(batches[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "waiting for the storage instead of keeping evidence here" in caplog.text
    assert spool.append(batches[2])
    brought: list[Batch] = []
    spool.flush(brought.append)
    assert brought == [batches[0], batches[2]]
    assert list(tmp_path.iterdir()) == []


def test_evidence_of_what_the_storage_does_not_know_is_kept_aside(
    store: StudyStore, server: Server, state_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left_behind(state_home, server, batch("of another storage", "no slice", 0))
    StudyStore(server.url).close()
    (aside,) = spooled(state_home, "refused")
    assert f"{aside}: evidence of what the storage does not know" in caplog.text


def test_where_nothing_can_be_kept_it_waits(
    store: StudyStore, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, recipe, part = begin_with_slice(store)
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/self/nothing")
    with StudyStore(server.url) as other:
        other.wait = lambda _: server.start()
        server.stop()
        other.record(recipe, part, make_results([True]))
        assert other.measured(recipe, part) == {0}
    assert "waiting for the storage instead of keeping evidence here" in caplog.text


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert spool_folder(make_url("postgresql+psycopg://host/name")) is None


def test_a_storage_is_known_by_its_url_and_not_by_its_password(state_home: Path) -> None:
    def folder(url: str) -> Path | None:
        return spool_folder(make_url(url))

    one = folder("postgresql+psycopg://me:old@host/name")
    assert one == folder("postgresql+psycopg://me:new@host/name")
    assert one != folder("postgresql+psycopg://me:old@host/other")
    assert one != folder("postgresql+psycopg://me:old@host/name?options=-csearch_path%3Dteam")
    assert one is not None
    assert one.parent == state_home / "crucible" / "spool"
    assert "host" not in one.name


def test_a_file_needs_no_spool(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        assert store.spool is None
