"""How many more workers a database server has connections for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from studies.store import StudyStore
from studies.store.connect import reading

CONNECTIONS = 6
"""That one worker may have open at the same moment: its loop, its beats, its grading and Optuna's trials."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, as one who asks it finds it."""

    version: str
    most: int
    """Connections that it takes."""
    used: int

    @property
    def left(self) -> int:
        """Connections that it has left, but for those that it keeps for its administrators."""
        return max(0, self.most - self.used - 3)

    def to_text(self) -> str:
        """In a few words."""
        return f"PostgreSQL {self.version}, {self.used} of {self.most} connections in use"


def server_of(store: StudyStore) -> Server | None:
    """The store's server; None for a file."""
    if store.engine.dialect.name != "postgresql":
        return None
    with reading(store.engine) as connection:
        most = connection.execute(text("SHOW max_connections")).scalar_one()
        version = connection.execute(text("SHOW server_version")).scalar_one()
        used = connection.execute(text("SELECT count(*) FROM pg_stat_activity")).scalar_one()
    return Server(str(version).split()[0], int(most), int(used))
