"""A PostgreSQL server that tests may stop, and a door to it that they may shut."""

from __future__ import annotations

import itertools
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text

SOCKET = ".s.PGSQL.5432"
_SCHEMAS = itertools.count()


class Server:
    """A server of our own on a socket of the file system; raises pytest's skip where none can start."""

    def __init__(self, folder: Path) -> None:
        self._pgserver: Any = pytest.importorskip("pgserver", reason="needs pgserver to start PostgreSQL")
        try:
            self._server = self._pgserver.get_server(folder)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"pgserver can't start PostgreSQL here: {error}")
        self.url: URL = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(str(self.url.query["host"])) / SOCKET

    def schema(self) -> str:
        """The URL of an empty schema on it."""
        name = f"faults_{next(_SCHEMAS)}"
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        engine.dispose()
        return self.url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(False)

    def crash(self) -> None:
        """Stop it as a power cut would: at once, no connection asked."""
        arguments = ["-m", "immediate", "-w", "stop"]
        self._pgserver.pg_ctl(arguments, pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


class Door:
    """A way to a server that can be shut: then connections break off, and new ones are refused."""

    def __init__(self, folder: Path, server: Server) -> None:
        folder.mkdir()
        self.socket, self._server = folder / SOCKET, server
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.open()

    def through(self, storage: str) -> str:
        """The URL of a database on the server, by way of this door."""
        url = make_url(storage).update_query_dict({"host": str(self.socket.parent)})
        return url.render_as_string(False)

    def open(self) -> None:
        """Let connections through."""
        self.socket.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Break off what is connected, and refuse what comes."""
        with self._lock:
            listener, self._listener = self._listener, None
            broken, self._open = self._open, []
        for each in [listener, *broken] if listener else broken:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.socket.unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it was shut
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                with self._lock:
                    if self._listener is not listener:
                        near.close()
                        return
                    self._open += [near, far]
                far.connect(str(self._server.socket))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Pass on what one end says until either hangs up."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def door(folder: Path, server: Server) -> Iterator[Door]:
    """A door that is shut when the block ends."""
    made = Door(folder, server)
    try:
        yield made
    finally:
        made.shut()
