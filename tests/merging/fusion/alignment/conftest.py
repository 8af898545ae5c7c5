from __future__ import annotations

from collections.abc import Mapping

import pytest

from merging.fusion.alignment.vocabulary import Vocabulary, open_vocabulary
from tests.merging.fusion.alignment.made import STYLES, TINY, saved


@pytest.fixture(scope="session")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Vocabulary]:
    """A vocabulary of each style, and the tiny family's."""
    made = {
        name: saved(make(), tmp_path_factory.mktemp(name), **named) for name, (make, named) in STYLES.items()
    }
    return made | {"tiny": open_vocabulary(TINY / "base")}
