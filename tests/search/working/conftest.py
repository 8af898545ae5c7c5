"""Studies that a fake engine answers, and worker processes on them, on SQLite and on PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.forked import Command
from tests.search.conftest import small_study, write_study
from tests.studies.conftest import postgres, postgres_url, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_url", "url"]

EVIDENCE = "select subject_digest, slice_digest, item, measured_at from crucible_evidence"
TRIALS = "select trial, digest from crucible_candidates where kind = 'trial' order by trial"
WORKERS = "select pid, state, reason from crucible_workers order by joined_at"


def fake_study(trials: int = 6, seconds: float = 0.0, items: int = 6, **changes: Any) -> dict[str, Any]:
    """The tiny study with one slice, answered by no model; steered by how likely gold answers are.

    Everybody is asked everything: tests count answers."""
    part = {"name": "gsm8k", "task": "gsm8k", "data": "gsm8k.jsonl", "num_fewshot": 0}
    study = {
        "slices": [{**part, "search": items, "holdout": items}],
        "engine": {"name": "fake", "seconds": seconds, "max_tokens": 8},
        "objective": "gold_logprob",
        "racing": False,
        **changes,
    }
    return dict(small_study(trials=trials, **study))


@dataclass
class Scene:
    """A study file, where it is kept, and the processes that work on it."""

    file: Path
    url: str
    started: list[Command] = field(default_factory=list)

    def start(self, command: str, *options: object) -> Command:
        """Start `crucible COMMAND` on the study, in a process of its own, from the study's folder."""
        arguments = (command, self.file, "--storage", self.url, *options)
        self.started.append(Command(self.file.parent, *arguments))
        return self.started[-1]

    def run(self, command: str, *options: object) -> subprocess.CompletedProcess[str]:
        """The same, to its end."""
        process = self.start(command, *options)
        return subprocess.CompletedProcess((), process.wait(300), *process.communicate())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database says; nothing before its tables are there."""
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        except Exception as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                return []
            raise
        finally:
            engine.dispose()

    def wait(self, query: str, at_least: int, *alive: Command) -> list[tuple[Any, ...]]:
        """Until so many rows are there."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if len(found := self.rows(query)) >= at_least:
                return found
            for each in alive:
                assert each.poll() is None, each.communicate()
            time.sleep(0.05)
        raise AssertionError(f"no {at_least} rows of {query}: {self.rows(query)}")

    def end(self) -> None:
        """Nothing that was started is left."""
        for each in self.started:
            if each.poll() is None:
                each.send_signal(signal.SIGTERM)
        for each in self.started:
            try:
                each.wait(30)
            except subprocess.TimeoutExpired:
                each.kill()


MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    """Write a study for the database of a URL; whatever was started is ended after the test."""
    made: list[Scene] = []

    def make(url: str, **study: Any) -> Scene:
        file = write_study(tmp_path / f"scene{len(made)}", fake_study(**study))
        made.append(Scene(file, url))
        return made[-1]

    yield make
    for each in made:
        each.end()


def complete(scene: Scene, trials: int) -> None:
    """The study has all its trials, each once, and no answer twice."""
    assert scene.rows("select state from crucible_studies") == [("complete",)]
    assert [number for number, _ in scene.rows(TRIALS)] == list(range(trials))
    answers = [row[:3] for row in scene.rows(EVIDENCE)]
    assert len(answers) == len(set(answers))
    assert scene.rows("select * from crucible_holds where worker_id is not null") == []
