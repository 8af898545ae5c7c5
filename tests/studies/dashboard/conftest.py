"""Real studies, their pages served on a port, and a real browser before them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from search.fusing.fuse import run_fusion
from search.showing.display import Display
from search.showing.stage import Stages
from search.study_file.fusion import load_fusion
from studies.dashboard.app import dashboard
from studies.store import ReadOnlyStore, StudyStore
from tests.once import made_once
from tests.search.conftest import _quiet_machine, small_study, write_study  # noqa: F401 - for all tests here
from tests.search.fusing.families import Families, search_families, write_families

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "tests" / ".screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS = "pages are opened in Debian's Chromium: apt-get install chromium"
HERE = "http://127.0.0.1:8643"
Ask = Callable[..., httpx.Response]


@dataclass
class Tab:
    """A page that is open, and everything that a browser complained of."""

    page: Any
    base: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        """Go there, and wait until everything was read."""
        answer = self.page.goto(self.base + path)
        self.page.wait_for_selector("[hx-trigger=load]", state="detached")
        return answer

    def picture(self, name: str) -> None:
        """Keep what is seen, for people."""
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@pytest.fixture(scope="session")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Families:
    """Two searched families and a fusion of them, in one store."""

    def make(folder: Path) -> None:
        families = write_families(folder)
        search_families(families)
        quiet = Console(quiet=True)
        fusion = load_fusion(families.file)
        run_fusion(fusion, families.storage, folder / "out", Stages(quiet), Display(quiet))

    return Families(made_once(tmp_path_factory, "pages", make))


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The app on a free port; yields where."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def site(studied: Families) -> Iterator[str]:
    """The pages of finished studies and of a fusion."""
    with ReadOnlyStore(studied.storage) as store, served(dashboard(store)) as base:
        yield base


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages of a study that `crucible run` works on meanwhile."""
    folder = tmp_path_factory.mktemp("running")
    study = small_study(trials=100_000, engine={"name": "fake", "max_tokens": 8})
    file, storage = write_study(folder, study), f"sqlite:///{folder / 'crucible.db'}"
    command = [sys.executable, "-m", "search", "run", str(file), "--storage", storage]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait_for_trials(folder / "crucible.db", worker)
        with ReadOnlyStore(storage) as store, served(dashboard(store)) as base:
            yield base
    finally:
        worker.send_signal(signal.SIGINT)
        worker.wait(60)


def _wait_for_trials(database: Path, worker: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and worker.poll() is None:
        if database.exists():
            with StudyStore(f"sqlite:///{database}") as store:
                if any(each.trials >= 2 for each in store.studies()):
                    return
        time.sleep(0.5)
    raise AssertionError(f"no trial ended: {(database.parent / 'log').read_text()}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser, gone before other files' tests: its loop would stand in their way."""
    if CHROMIUM is None:
        pytest.skip(NEEDS)
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Tab]]:
    """Open a tab, of another width or scheme if wanted; what it complained of fails the test."""
    with ExitStack() as opened:
        tabs = []

        def open_tab(base: str, width: int = 1280, scheme: str = "light", fail: bool = True) -> Tab:
            size = {"width": width, "height": 900}
            context = chromium.new_context(viewport=size, color_scheme=scheme)
            context.set_default_timeout(120_000)
            opened.callback(context.close)
            made = Tab(context.new_page(), base)
            made.page.on(
                "console", lambda said: made.faults.append(said.text) if said.type == "error" else None
            )
            made.page.on("pageerror", lambda error: made.faults.append(str(error)))
            tabs.append((made, fail))
            return made

        yield open_tab
        assert [fault for made, fail in tabs if fail for fault in made.faults] == []


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Callable[..., tuple[StudyStore, Ask]]]:
    """A dashboard over an empty store, and requests to it that need no network."""
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as store:

        def make(**settings: Any) -> tuple[StudyStore, Ask]:
            app = dashboard(store, **settings)

            def ask(path: str, method: str = "GET", **more: Any) -> httpx.Response:
                async def send() -> httpx.Response:
                    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                        return await client.request(method, path, **more)

                # In a thread: where a browser was opened before, this one has a loop that runs already.
                with ThreadPoolExecutor(1) as beside:
                    return beside.submit(asyncio.run, send()).result()

            return store, ask

        yield make
