"""The service over the tiny models, in this process; its queue stands still unless a test turns it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from rich.console import Console

from search.serving.admission.model_folders import ModelFolders
from search.serving.app import create_app
from search.serving.queue import Queue
from search.serving.settings import Settings
from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.store import StudyStore
from tests.search.conftest import TINY, small_study, write_study

YAML = {"Content-Type": "application/yaml"}
HERE = "http://127.0.0.1:8642"


def study_text(**changes: object) -> str:
    """The tiny study for the fake engine, as a file's text."""
    return yaml.safe_dump(small_study(engine={"name": "fake", "max_tokens": 8}, **changes), sort_keys=False)


@dataclass(frozen=True)
class Served:
    """The service, and requests to it that need no network."""

    settings: Settings
    store: StudyStore
    queue: Queue
    app: FastAPI

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, answered in this process."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def get(self, path: str, **more: Any) -> httpx.Response:
        """A GET."""
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """A POST."""
        return self.ask("POST", path, **more)

    def submit(self, text: str | bytes, **options: Any) -> httpx.Response:
        """A study file, submitted."""
        return self.post("/studies", content=text, headers=YAML, params=options)


@pytest.fixture(scope="session")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a study that the fake engine came to the end of, over models in examples/tiny."""
    folder = tmp_path_factory.mktemp("studied")
    study = small_study(engine={"name": "fake", "max_tokens": 8})
    file = write_study(folder, {**study, "name": "finished"})
    run_study(load_study(file), f"sqlite:///{folder / 'crucible.db'}", Display(Console(quiet=True)))
    return folder / "crucible.db"


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Make a service: over a copy of a database, or an empty one, with other settings where given."""
    with ExitStack() as opened:

        def make(database: Path | None = None, **changes: Any) -> Served:
            file = tmp_path / "crucible.db"
            if database is not None:
                shutil.copy(database, file)
            usual = {"storage": f"sqlite:///{file}", "models": ModelFolders.at([TINY])}
            settings = Settings(**{**usual, "folder": tmp_path / "service", **changes})
            store = opened.enter_context(StudyStore(settings.storage))
            store.patience = 0.0
            queue = Queue(store, settings, ((),))
            return Served(settings, store, queue, create_app(settings, store, queue))

        yield make


@pytest.fixture
def served(serving: Callable[..., Served]) -> Served:
    """A service with an empty store."""
    return serving()


@pytest.fixture
def finished_service(serving: Callable[..., Served], studied: Path) -> Served:
    """A service whose store has one finished study."""
    return serving(studied)
