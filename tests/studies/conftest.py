"""The databases that the studies are tested on: SQLite always, PostgreSQL where `pgserver` is installed."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from studies.store import StudyStore
from tests.studies.server import Server

SCHEMAS = itertools.count()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A PostgreSQL server of our own, for this session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        pgserver = pytest.importorskip("pgserver", reason="PostgreSQL is tested where pgserver is installed")
        try:
            server = pgserver.get_server(tmp_path_factory.mktemp("postgres"))
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"pgserver can't start PostgreSQL here: {error}")
    yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    server.cleanup()


@pytest.fixture
def postgres_url(postgres: URL) -> str:
    """An empty schema on that server, chosen by the URL as a user would."""
    schema = f"test_{next(SCHEMAS)}"
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    options = {"options": f"-csearch_path={schema}"}
    return postgres.update_query_dict(options).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL server that tests may stop and start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.cleanup()


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Evidence that is put off stays in the test's folder, for its processes, too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crucible.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Where a store may live: what holds here holds for every database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def store(url: str) -> Iterator[StudyStore]:
    with StudyStore(url) as store:
        yield store
