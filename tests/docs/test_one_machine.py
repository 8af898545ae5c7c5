"""docs/one-machine.md, read as a script: each of its commands does what the page says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studies.store import StudyStore
from studies.workers.register import living
from studies.workers.wishes import ask
from tests.docs.pages import command, commands, put
from tests.docs.shell import Shell, soon, study_in, with_commands
from tests.search.conftest import Outcome, crucible

__all__ = ["crucible"]

PAGE = "one-machine.md"
Crucible = Callable[..., Outcome]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    study_in(tmp_path)
    shell = Shell(tmp_path, dict(with_commands(tmp_path / "bin")))
    yield shell
    shell.close()


def test_the_page_from_evening_to_morning(
    shell: Shell, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.folder)
    left = commands(PAGE)

    def typed(beginning: str, *changes: tuple[str, str]) -> Outcome:
        """The page's command, in this process: a new one takes seconds to import torch."""
        line = command(PAGE, beginning)
        left.remove(line)
        return crucible(*put(line, *changes).partition("#")[0].split()[1:])

    assert "tiny" in typed("crucible check study.yaml").out
    assert typed("crucible check study.yaml --measure").code == 0
    shell.run(command(PAGE, "nohup"))
    left.remove(command(PAGE, "nohup"))
    soon((shell.folder / "crucible.db").exists)
    with StudyStore(f"sqlite:///{shell.folder}/crucible.db") as store:
        soon(store.studies)
        number = store.study("tiny")

        def doing() -> list[str]:
            return [each.doing or "" for each in living(store, number)]

        soon(lambda: len(doing()) == 2)
        assert "tiny" in typed("crucible status tiny").out
        assert "its 2 workers will wait" in typed("crucible pause tiny").out
        soon(lambda: doing() == ["paused", "paused"])
        assert "its 2 workers may go on" in typed("crucible resume tiny").out
        soon(lambda: "paused" not in doing())
        assert "its 2 workers will end" in typed("crucible stop tiny").out
        soon(lambda: "Stopped by `crucible stop`" in (shell.folder / "run.log").read_text())
        assert doing() == []
        ask(store, number, None)
    assert typed("crucible worker").code == 0
    again = typed("crucible run study.yaml", ("--workers 2", "--workers 1"))  # nothing is left for a second
    assert "trial" in again.out
    assert "trial" in typed("crucible leaderboard tiny").out
    assert typed("crucible export tiny").code == 0
    assert list((shell.folder / "best").iterdir())
    assert left == []
