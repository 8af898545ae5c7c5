"""Both families searched once, and fused once, for all tests that only look."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from search.fusing.fuse import run_fusion
from search.fusing.judging.outcome import Outcome
from search.showing.display import Display
from search.showing.stage import Stages
from search.study_file.fusion import load_fusion
from tests.once import made_once
from tests.search.fusing.families import Families, search_families, write_families


@dataclass(frozen=True)
class Finished(Families):
    """A fusion that was run to its end."""

    outcome: Outcome

    @property
    def out(self) -> Path:
        return self.folder / "demo" / "fusion"


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Families:
    """Both studies run, and nothing fused."""
    return Families(
        made_once(tmp_path_factory, "searched", lambda folder: search_families(write_families(folder)))
    )


@pytest.fixture
def families(searched: Families, tmp_path: Path) -> Families:
    """Both studies run, in a folder of the test's own."""
    return copy(searched, tmp_path / "own")


@pytest.fixture(scope="session")
def fused(searched: Families, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A fusion that nothing disturbed."""
    own = copy(searched, tmp_path_factory.mktemp("fused") / "own")
    quiet = Console(quiet=True)
    spec = load_fusion(own.file)
    outcome = run_fusion(spec, own.storage, own.folder / "demo" / "fusion", Stages(quiet), Display(quiet))
    return Finished(own.folder, outcome)


def copy(families: Families, folder: Path) -> Families:
    shutil.copytree(families.folder, folder)
    return Families(folder)
