"""Where a fault happens: a study, its database, and the commands that work on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.processes import Forked, crucible, kill, wait_until
from tests.faults.studies import Left, left_in
from tests.faults.witness import HANG, LOG, Asked, heard


@dataclass
class Scene:
    """A study file and its database's URL; commands that were started, and processes that were killed."""

    file: Path
    storage: str
    commands: list[Forked] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)

    @property
    def log(self) -> Path:
        """What the engine was asked."""
        return self.file.with_name("asked.jsonl")

    @property
    def hang(self) -> Path:
        """A file that makes the next engine that finds it hang."""
        return self.file.with_name("hang")

    @property
    def environment(self) -> dict[str, str]:
        """Of the commands: the witness listens, and what they keep for later is kept here."""
        return {
            LOG: str(self.log),
            HANG: str(self.hang),
            "XDG_STATE_HOME": str(self.file.with_name("state")),
        }

    def start(self, *options: object, verb: str = "run") -> Forked:
        """Start a command on the study."""
        log = self.file.with_name(f"said-{len(self.commands)}")
        arguments = (verb, self.file, "--storage", self.storage, *options)
        self.commands.append(Forked(log, crucible, self.environment, *map(str, arguments)))
        return self.commands[-1]

    def kill(self, pid: int) -> None:
        """SIGKILL, remembered."""
        if kill(pid):
            self.killed.add(pid)

    def finish(self, command: Forked | None = None) -> Left:
        """Wait for the last command, or this one; returns what is in the database then."""
        command = command or self.commands[-1]
        assert command.end() == 0, command.said
        return left_in(self.storage)

    def is_over(self) -> bool:
        """Whether every command has ended."""
        return not any(each.running for each in self.commands)

    def said(self) -> str:
        """The ends of what the commands said."""
        return "\n".join(f"{each.log.name}: {each.said[-1500:]}" for each in self.commands)

    def spooled(self) -> list[Path]:
        """Files of evidence that are kept on this machine until the database is back."""
        return [each for each in self.file.with_name("state").rglob("*.jsonl") if each.stat().st_size]

    def asked(self) -> list[Asked]:
        return heard(self.log)

    @property
    def answered(self) -> int:
        """Batches that the engine has answered so far."""
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0

    def await_moment(self, draw: Random, over: Callable[[], bool], *, ahead: int = 2) -> None:
        """Wait for a random moment: so many batches from now, at most, and a part of one more."""
        until = self.answered + draw.randint(0, ahead)
        if until == self.answered:
            time.sleep(draw.uniform(0.0, 1.0))  # while it starts, as like as not
        wait_until(lambda: self.answered >= until or over(), what="no progress")
        time.sleep(draw.uniform(0.0, 0.2))
