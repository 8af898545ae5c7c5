"""A study that a search has really run, as an earlier version left it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from studies.store import StudyStore

PREVIOUS = Path(__file__).parents[2] / "search/previous/crucible.db.gz"


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its URL; the file lies in the working directory as `crucible.db`."""
    (tmp_path / "crucible.db").write_bytes(gzip.decompress(PREVIOUS.read_bytes()))
    monkeypatch.chdir(tmp_path)
    StudyStore("sqlite:///crucible.db", create=False).close()  # brings it up to date
    return "sqlite:///crucible.db"
