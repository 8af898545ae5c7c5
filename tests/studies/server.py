"""A PostgreSQL server of a test's own, to stop and start as it likes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url


class Server:
    """A server that is running from the start."""

    def __init__(self, folder: Path) -> None:
        pgserver = pytest.importorskip("pgserver", reason="PostgreSQL is tested where pgserver is installed")
        try:
            self._server: Any = pgserver.get_server(folder)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"pgserver can't start PostgreSQL here: {error}")
        self.url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg").render_as_string()

    def stop(self) -> None:
        """End it as a crash would: connections break, and nobody listens any more."""
        from pgserver._commands import pg_ctl

        command = ["-w", "-m", "immediate", "stop"]
        pg_ctl(command, pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Start it again, at the same place with what it held."""
        self._server.ensure_postgres_running()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped inside the block, and back after it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def cleanup(self) -> None:
        """End it for good."""
        self._server.cleanup()
