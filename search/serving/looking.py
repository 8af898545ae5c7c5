"""`crucible dashboard`: pages about the studies of a store, for browsers."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from search.errors import SearchError
from search.serving.child import command, last_words
from search.serving.listening import listening, url_of
from search.working.child import STORAGE

PORT = 8643
LONGEST_S = 600
"""That a file may take; the models are opened and their statistics reckoned, once."""


class _Serve(Protocol):
    def __call__(
        self,
        storage: str,
        listening: socket.socket,
        *,
        host: str,
        token: str | None,
        ready: Callable[[], None],
        exporter: Callable[[str, str, str], str],
    ) -> None: ...


def look(storage: str, host: str, port: int, token: str | None, ready: Callable[[str], None]) -> None:
    """Serve the pages of a store until a signal ends the process; `ready` is told where.

    Raises:
        SearchError: the address cannot be listened at, is open to others without a token, or the web
            packages are not installed.
        StudiesError: there is no store there, or it cannot be read; none is made.
    """
    serve = _import_serve()
    with listening(host, port, token) as found:
        serve(
            storage,
            found,
            host=host,
            token=token,
            ready=lambda: ready(url_of(found)),
            exporter=ExportCommand(storage),
        )


def _import_serve() -> _Serve:
    try:
        from studies.dashboard.serve import serve
    except ModuleNotFoundError as error:
        raise SearchError(
            f"crucible dashboard needs the Python package {error.name}: pip install 'crucible[serve]'"
        ) from error
    return serve


@dataclass(frozen=True)
class ExportCommand:
    """Writes a candidate as a file by `crucible export` in a process of its own: this one opens no model.

    One at a time: each may take a model's size in memory.
    """

    storage: str
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, study: str, candidate: str, form: str) -> str:
        """The file's text; raises SearchError if another one is being written, or it can't be."""
        if not self.turn.acquire(blocking=False):
            raise SearchError("another file is being written; try again in a minute")
        try:
            with tempfile.TemporaryDirectory(prefix="crucible-export-") as folder:
                return _write(self.storage, study, candidate, form, Path(folder))
        finally:
            self.turn.release()


def _write(storage: str, study: str, candidate: str, form: str, folder: Path) -> str:
    out, log = folder / "made", folder / "log"
    options = ("--out", str(out), "--format", form, "--candidate", candidate, "--", study)
    with log.open("wb") as said:
        try:
            done = subprocess.run(
                command("export", *options),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, STORAGE: storage},
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired:
            raise SearchError(
                f"{candidate} took more than {LONGEST_S} s to write: type `crucible export`"
            ) from None
    if done.returncode:
        raise SearchError(last_words(log))
    (file,) = out.iterdir()
    return file.read_text(encoding="utf-8")
