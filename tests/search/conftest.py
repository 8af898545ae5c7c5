"""A small study of the shipped tiny experts, and the `crucible` command in this process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import yaml

from search import cli
from search.running.workshop import Workshop, open_workshop
from search.study_file.spec import load_study
from studies.store import StudyStore

TINY = Path(__file__).parents[2] / "examples" / "tiny"
MODELS = ("base", "gsm8k", "math", "code")


@pytest.fixture(autouse=True, scope="session")
def _quiet_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread, and a cache of this session's own."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def crucible(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["crucible", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run


def small_study(trials: int = 4, items: int = 6, **changes: object) -> dict[str, object]:
    """The tiny study with fewer trials and items; `changes` replace top-level fields."""
    study: dict[str, object] = yaml.safe_load((TINY / "study.yaml").read_text())
    slices = [{**part, "search": items, "holdout": 2 * items} for part in study["slices"]]  # type: ignore[attr-defined]
    sampler = {"name": "tpe", "seed": 0}  # of which nothing is said where few trials are asked for
    small = {**study, "slices": slices, "sampler": sampler, "budget": {"trials": trials, "finalists": 2}}
    small.pop("storage")
    return {**small, **changes}


def write_study(folder: Path, study: dict[str, object]) -> Path:
    """Put a study file into the folder, with the tiny models and items beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        if not (folder / name).exists():
            (folder / name).symlink_to(TINY / name)
    for data in TINY.glob("*.jsonl"):
        if not (folder / data.name).exists():
            shutil.copy(data, folder)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path


@pytest.fixture
def study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small study, its folder being the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_study(tmp_path, small_study())


@dataclass(frozen=True)
class Finished:
    """A study that was run to its end."""

    file: Path
    storage: str

    @property
    def folder(self) -> Path:
        return self.file.parent


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The small study, run once for all tests that only look at it."""
    from rich.console import Console

    from search.showing.display import Display
    from search.working.run import run_study

    file = write_study(tmp_path_factory.mktemp("finished"), small_study())
    storage = f"sqlite:///{file.parent / 'crucible.db'}"
    run_study(load_study(file), storage, Display(Console(quiet=True)))
    return Finished(file, storage)


@pytest.fixture
def workshop(finished: Finished) -> Workshop:
    """The finished study's models and items."""
    return open_workshop(load_study(finished.file))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StudyStore]:
    """An empty store of the test's own."""
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as opened:
        yield opened


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with a cache of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
