"""The service on PostgreSQL, and two services that are given one database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from search.serving.queue import Queue
from search.serving.settings import Settings
from studies.errors import StudyHeld
from studies.store import StudyStore
from studies.store.lease import serving as holding
from studies.workers.submissions import submissions, submit, take_submission
from tests.search.conftest import TINY
from tests.search.serving.conftest import YAML
from tests.search.serving.test_end_to_end import eventually, serving, write
from tests.studies.conftest import postgres, postgres_url, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_url", "url"]


def test_a_study_goes_in_and_is_judged_and_a_second_service_is_refused(
    tmp_path: Path, postgres_url: str
) -> None:
    with serving(tmp_path, "--storage", postgres_url) as service, StudyStore(postgres_url) as store:
        text = write(tmp_path, "tiny", 1).read_bytes()
        httpx.post(f"{service.url}/studies", content=text, headers=YAML).raise_for_status()
        refused = r"^storage postgresql.*: another service runs what is submitted there: end that one"
        with pytest.raises(StudyHeld, match=refused):
            holding(store).__enter__()
        assert service.until("tiny", "complete")["trials"] == 1
        assert eventually(lambda: [each.name for each in submissions(store, "ended")]) == ["tiny"]
    with StudyStore(postgres_url) as store, holding(store):
        pass


def test_a_submission_is_taken_by_exactly_one(url: str) -> None:
    def taken(store: StudyStore) -> list[str]:
        return [name for name in names if take_submission(store, name)]

    names = [f"study {i}" for i in range(20)]
    with StudyStore(url) as one, StudyStore(url) as other, ThreadPoolExecutor(2) as pool:
        for name in names:
            submit(one, name, f"name: {name}", "/studies")
        found = list(pool.map(taken, (one, other)))
        assert sorted([*found[0], *found[1]]) == sorted(names)
        assert {each.state for each in submissions(one)} == {"running"}


def test_a_queue_does_not_start_what_another_has_taken(tmp_path: Path, sqlite_url: str) -> None:
    from search.serving.admission.model_folders import ModelFolders

    settings = Settings(storage=sqlite_url, models=ModelFolders.at([TINY]), folder=tmp_path)
    with StudyStore(sqlite_url) as store:
        queue = Queue(store, settings, [()])
        waiting = submit(store, "tiny", "name: tiny", str(tmp_path))
        assert take_submission(store, "tiny")
        queue._start(waiting)
        assert queue._runs == []
        assert queue._free == [()]
