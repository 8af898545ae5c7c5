"""`crucible serve`: the service, from its settings to its end."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.engines.gpus import visible_gpus
from search.errors import SearchError
from search.serving.listening import listening, url_of
from search.serving.queue import Queue
from search.serving.runs import slots_of
from search.serving.settings import EXPORTS, Settings
from studies.store import StudyStore
from studies.store.lease import serving

if TYPE_CHECKING:
    from fastapi import FastAPI


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Answer requests and run what is submitted, until a signal ends the process; `ready` is told the URL.

    Raises:
        SearchError: the address cannot be listened at, is open to others without a token, or the folder is
            another service's; more workers than GPUs; the web packages are not installed.
        StudiesError: the storage cannot be opened, or another service uses it.
    """
    create_app = _import_app()
    slots = slots_of(() if settings.ray is not None else visible_gpus(), settings.workers)
    with (
        listening(settings.host, settings.port, settings.token) as found,
        _only_here(settings.folder),
        StudyStore(settings.storage) as store,
        serving(store),
    ):
        store.patience = 0.0  # who asks is told, and asks again
        shutil.rmtree(settings.folder / EXPORTS, ignore_errors=True)
        queue = Queue(store, settings, slots)
        app = create_app(settings, store, queue)
        with queue.working():
            ready(url_of(found))
            _run(app, found)


def _import_app() -> Callable[[Settings, StudyStore, Queue], FastAPI]:
    try:
        import uvicorn  # noqa: F401

        from search.serving.app import create_app
    except ModuleNotFoundError as error:
        raise SearchError(
            f"crucible serve needs the Python package {error.name}: pip install 'crucible[serve]'"
        ) from error
    return create_app


def _run(app: FastAPI, found: socket.socket) -> None:
    from studies.dashboard.serve import answer

    if not answer(app, found):
        raise SearchError("the service could not begin; what is said above tells why")


@contextmanager
def _only_here(folder: Path) -> Iterator[None]:
    """Hold the service's folder; it is let go of however the process ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SearchError(
            f"--folder {folder}: cannot be written to ({error.strerror}); name another"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SearchError(
            f"--folder {folder}: another service uses it; end that one, or name another"
        ) from None
    finally:
        os.close(descriptor)
