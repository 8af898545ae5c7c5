"""A study to work on."""

from __future__ import annotations

import pytest

from studies.store import StudyStore


@pytest.fixture
def study(store: StudyStore) -> int:
    return store.begin("tiny", {})
