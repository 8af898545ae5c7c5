"""A candidate as a file, written by `crucible export` in a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from search.errors import SearchError
from search.serving import looking
from search.serving.looking import ExportCommand
from tests.search.conftest import Finished


def test_the_text_is_what_the_command_writes(finished: Finished, tmp_path: Path) -> None:
    from search.candidates.export import export_best

    _, file = export_best(finished.storage, "tiny", tmp_path / "out", "mergekit", candidate="trial 1")
    assert ExportCommand(finished.storage)("tiny", "trial 1", "mergekit") == file.read_text()


def test_what_cannot_be_written_is_told_in_one_line(finished: Finished) -> None:
    with pytest.raises(SearchError, match="study 'tiny' has no candidate 'nobody' that was measured"):
        ExportCommand(finished.storage)("tiny", "nobody", "mergekit")


def test_one_file_is_written_at_a_time_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    export = ExportCommand("sqlite:///none.db")
    with export.turn, pytest.raises(SearchError, match="another file is being written"):
        export("tiny", "trial 0", "mergekit")

    def late(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("crucible", 1)

    monkeypatch.setattr(looking.subprocess, "run", late)
    with pytest.raises(SearchError, match="trial 0 took more than 600 s"):
        export("tiny", "trial 0", "mergekit")
    assert not export.turn.locked()
